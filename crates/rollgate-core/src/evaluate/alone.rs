//! Yes or no for a flag that hangs on nothing but itself: no other flag, holdback or range, and no choice of a variant.
//!
//! It is the [evaluation](super::evaluate) without what such a flag never meets and without the reason, for calls that
//! ask for neither: it reads the flag alone, and no snapshot.

use super::context::Context;
use super::explain::Quiet;
use super::target::{AskFlag, asks, holds};
use super::walk::subject;
use crate::bucket;
use crate::id::FlagId;
use crate::snapshot::{Flag, Otherwise, Rule, RuleVariants, Serve, Target, Variants};
use crate::units::Share;

/// Whether [`is_on_alone`] answers for a flag.
pub fn is_alone(flag: &Flag) -> bool {
    let is_single = flag.parent.is_none() && flag.prerequisites.is_empty() && flag.holdback.is_none();
    // A choice among variants needs a key, even where everybody is on.
    let has_choice = flag.variants.as_deref().is_some_and(Variants::is_choice)
        || flag.rules.iter().any(|rule| matches!(rule.variants, RuleVariants::Split(..)));
    let asks_others = flag.rules.iter().filter_map(|rule| rule.when.as_ref()).any(asks_flag);
    is_single && flag.slot.is_none() && !has_choice && !asks_others
}

fn asks_flag(target: &Target) -> bool {
    match target {
        Target::Attribute { .. } => false,
        Target::All(parts) | Target::Any(parts) => parts.iter().any(asks_flag),
        Target::Not(part) => asks_flag(part),
        Target::Named(_, part) => asks_flag(part),
        Target::Flag(..) => true,
    }
}

/// Whether a flag that [is alone](is_alone) is on: enabled, readable, neither final, killed nor overridden, and with this
/// threshold of its own share.
///
/// # Panics
/// Never. No lock, no allocation, no clock.
#[inline(always)]
pub fn is_on_alone(flag: &Flag, threshold: u64, context: &Context<'_>) -> bool {
    if !(flag.always_off.is_empty() && flag.always_on.is_empty())
        && let Some(is_on) = of_lists(flag, context)
    {
        return is_on;
    }
    for rule in &flag.rules {
        if matches(rule, context)
            && let Some(is_on) = of_rule(flag, rule, context)
        {
            return is_on;
        }
    }
    of_share(flag, threshold, context)
}

/// By itself, as the lists are: the more there is in one place, the more of it lies on the stack.
#[inline(never)]
fn of_share(flag: &Flag, threshold: u64, context: &Context<'_>) -> bool {
    match threshold {
        0 => false,
        EVERYBODY => true,
        _ => {
            subject(&flag.by, context).is_some_and(|key| bucket::is_in(flag.bucketer.bucket(key), threshold))
        }
    }
}

#[inline(never)]
fn of_lists(flag: &Flag, context: &Context<'_>) -> Option<bool> {
    let key = context.targeting_key?;
    if flag.always_off.has(key) {
        return Some(false);
    }
    flag.always_on.has(key).then_some(true)
}

const EVERYBODY: u64 = Share::FULL.threshold();

#[inline(always)]
fn matches(rule: &Rule, context: &Context<'_>) -> bool {
    if rule.unknown.is_some() {
        return false;
    }
    match &rule.when {
        None => true,
        Some(Target::Attribute { name, test, is_negated }) => asks(name, test, *is_negated, context),
        Some(other) => holds(other, context, &Nobody, &mut Quiet),
    }
}

/// What a rule that matches says; `None`: the next one is asked.
#[inline(always)]
fn of_rule(flag: &Flag, rule: &Rule, context: &Context<'_>) -> Option<bool> {
    let is_on = match rule.share {
        Share::ZERO => false,
        Share::FULL => true,
        _ => {
            let (bucketer, by) = match &rule.bucketed {
                Some(bucketed) => (&bucketed.bucketer, &bucketed.by),
                None => (&flag.bucketer, &flag.by),
            };
            subject(by, context).is_some_and(|key| bucket::is_in(bucketer.bucket(key), rule.threshold))
        }
    };
    // Asked of the rule first: which way a subject falls is nothing that a branch could foresee.
    match rule.otherwise {
        Otherwise::Default => Some(is_on),
        Otherwise::Next => is_on.then_some(true),
    }
}

/// Such a flag asks no other one.
struct Nobody;

impl AskFlag<Quiet> for Nobody {
    fn serves(&self, _: FlagId, _: &[Serve], _: &mut Quiet) -> bool {
        false
    }
}
