//! The evaluation itself, in the order of SEMANTICS 2.1.

use std::ops::ControlFlow;

use super::answer::{ErrorCode, Evaluation, Reason, Variant};
use super::context::{Context, FlagRef};
use super::explain::{Explain, Note, Quiet};
use super::target::{AskFlag, holds};
use crate::bucket;
use crate::id::{FlagId, Key};
use crate::limits::{FLAG_DEPTH_MAX, WITHIN_DEPTH_MAX};
use crate::snapshot::{
    Bucketing, Flag, FlagState, Otherwise, Rule, RuleVariants, Serve, ShareOf, Snapshot, Variants,
};
use crate::units::Share;

/// The answer for one flag and one context.
///
/// # Panics
/// Never. No lock, no allocation, no clock.
pub fn evaluate(snapshot: &Snapshot, flag: FlagRef<'_>, context: &Context<'_>) -> Evaluation {
    evaluate_with(snapshot, flag, context, &mut Quiet)
}

/// As [`evaluate`], and shows every step.
pub fn evaluate_with(
    snapshot: &Snapshot,
    flag: FlagRef<'_>,
    context: &Context<'_>,
    explain: &mut impl Explain,
) -> Evaluation {
    let id = match flag {
        FlagRef::Id(id) => Some(id),
        FlagRef::Name(name) => snapshot.ruleset.flag_of(name),
    };
    match id {
        Some(id) => one(snapshot, id, context, 0, explain),
        None => error(snapshot.version, Share::ZERO, ErrorCode::FlagNotFound, explain),
    }
}

fn error(version: u64, share: Share, code: ErrorCode, explain: &mut impl Explain) -> Evaluation {
    explain.note(Note::Error(code));
    let (variant, served, bucket, error) = (None, None, None, Some(code));
    Evaluation { variant, served, reason: Reason::Error, error, bucket, share, version }
}

fn one<E: Explain>(
    snapshot: &Snapshot,
    id: FlagId,
    context: &Context<'_>,
    depth: usize,
    explain: &mut E,
) -> Evaluation {
    let (Some(flag), Some(state)) = (snapshot.ruleset.flags.get(id.index()), snapshot.states.get(id.index()))
    else {
        return error(snapshot.version, Share::ZERO, ErrorCode::FlagNotFound, explain);
    };
    explain.note(Note::Flag(flag, depth));
    let asked = Asked { snapshot, flag, state, context, depth };
    if let Some(answer) = asked.of_everybody(explain) {
        return answer;
    }
    let whole = if flag.parent.is_none() && flag.prerequisites.is_empty() {
        (Reason::Static, None)
    } else {
        match asked.inside(explain) {
            ControlFlow::Continue(whole) => whole,
            ControlFlow::Break(answer) => return answer,
        }
    };
    // Each returns at once: an answer that is handed on and on is copied each time.
    if flag.slot.is_some()
        && let Some(answer) = asked.of_slot(explain)
    {
        return answer;
    }
    if flag.holdback.is_some()
        && let Some(answer) = asked.of_holdback(explain)
    {
        return answer;
    }
    if let Some(answer) = asked.of_lists(explain) {
        return answer;
    }
    if !state.is_overridden {
        for (at, rule) in flag.rules.iter().enumerate() {
            if let Some(answer) = asked.of_rule(at, rule, explain) {
                return answer;
            }
        }
    }
    asked.of_share(whole, explain)
}

/// One flag for one context.
struct Asked<'a> {
    snapshot: &'a Snapshot,
    flag: &'a Flag,
    state: &'a FlagState,
    context: &'a Context<'a>,
    /// Flags above it that asked it.
    depth: usize,
}

/// What a share of 100 % answers: inside a split parent not even that is the same for everybody.
type Whole = (Reason, Option<u32>);

impl<E: Explain> AskFlag<E> for Asked<'_> {
    fn serves(&self, id: FlagId, serves: &[Serve], explain: &mut E) -> bool {
        self.other(id, explain).is_ok_and(|other| self.is_one_of(id, &other, serves, explain))
    }
}

impl Asked<'_> {
    fn answer(&self, variant: Option<Variant>, reason: Reason, bucket: Option<u32>) -> Evaluation {
        let (share, version) = (self.state.share, self.snapshot.version);
        Evaluation { variant, served: None, reason, error: None, bucket, share, version }
    }

    /// Off, with the variant that a flag serves where it is off.
    fn off(&self, reason: Reason, bucket: Option<u32>, explain: &mut impl Explain) -> Evaluation {
        let answer = self.answer(Some(Variant::Off), reason, bucket);
        let Some(variants) = &self.flag.variants else { return answer };
        if let Some(id) = variants.default {
            explain.note(Note::Variant(variants, id, None));
        }
        Evaluation { served: variants.default, ..answer }
    }

    /// On, with the variant of the subject.
    #[inline]
    fn on(
        &self,
        of_rule: &RuleVariants,
        reason: Reason,
        bucket: Option<u32>,
        explain: &mut impl Explain,
    ) -> Evaluation {
        let answer = self.answer(Some(Variant::On), reason, bucket);
        match &self.flag.variants {
            None => answer,
            Some(variants) => self.with_variant(answer, variants, of_rule, explain),
        }
    }

    fn with_variant(
        &self,
        answer: Evaluation,
        variants: &Variants,
        of_rule: &RuleVariants,
        explain: &mut impl Explain,
    ) -> Evaluation {
        let (split, bucketed) = match of_rule {
            RuleVariants::One(id) => {
                explain.note(Note::Variant(variants, *id, None));
                return Evaluation { served: Some(*id), ..answer };
            }
            RuleVariants::Split(split, bucketed) => (split, &**bucketed),
            RuleVariants::OfFlag => match &variants.split {
                Some(split) => (split, &variants.bucketed),
                None => return answer,
            },
        };
        // A single variant needs no key, as 100 % needs none.
        let (served, bucket) = match (split.ranges(), subject(&bucketed.by, self.context)) {
            ([only], _) => (Some(only.variant), None),
            (_, None) => return self.error(ErrorCode::TargetingKeyMissing, explain),
            (_, Some(key)) => {
                let bucket = bucketed.bucketer.bucket(key);
                (split.pick(bucket), Some(bucket))
            }
        };
        if let Some(id) = served {
            explain.note(Note::Variant(variants, id, bucket));
        }
        Evaluation { served, ..answer }
    }

    fn error(&self, code: ErrorCode, explain: &mut impl Explain) -> Evaluation {
        error(self.snapshot.version, self.state.share, code, explain)
    }

    /// What is the same for everybody, whatever the share.
    #[inline]
    fn of_everybody(&self, explain: &mut impl Explain) -> Option<Evaluation> {
        if self.flag.is_final {
            explain.note(Note::Final);
            let answer = self.on(&RuleVariants::OfFlag, Reason::Static, None, explain);
            return Some(Evaluation { share: Share::FULL, ..answer });
        }
        if self.state.is_killed {
            explain.note(Note::Killed);
            return Some(self.off(Reason::Static, None, explain));
        }
        if let Some(why) = &self.flag.malformed {
            explain.note(Note::Malformed(why));
            return Some(self.error(ErrorCode::ParseError, explain));
        }
        if !self.flag.is_enabled {
            explain.note(Note::Disabled);
            return Some(self.answer(None, Reason::Disabled, None));
        }
        None
    }

    /// What another flag gives; the error where too many ask each other.
    fn other<E: Explain>(&self, id: FlagId, explain: &mut E) -> Result<Evaluation, Evaluation> {
        if self.depth >= FLAG_DEPTH_MAX {
            // The compiler refuses such a plan; what did not come from it is isolated here.
            return Err(self.error(ErrorCode::ParseError, explain));
        }
        Ok(one(self.snapshot, id, self.context, self.depth + 1, explain))
    }

    /// Whether another flag's answer is one of those that are asked for.
    fn is_one_of(
        &self,
        id: FlagId,
        other: &Evaluation,
        serves: &[Serve],
        explain: &mut impl Explain,
    ) -> bool {
        let is_met = serves.iter().any(|serve| match serve {
            Serve::On => other.is_on(),
            Serve::Off => !other.is_on() && other.error.is_none(),
            Serve::Variant(variant) => other.is_on() && other.served == Some(*variant),
        });
        if let Some(flag) = self.snapshot.ruleset.flags.get(id.index()) {
            explain.note(Note::Asked(flag, other, is_met));
        }
        is_met
    }

    /// Whether prerequisites and the parent let the subject in; the answer where they do not.
    fn inside<E: Explain>(&self, explain: &mut E) -> ControlFlow<Evaluation, Whole> {
        for wanted in &self.flag.prerequisites {
            let other = match self.other(wanted.flag, explain) {
                Ok(other) => other,
                Err(answer) => return ControlFlow::Break(answer),
            };
            if !self.is_one_of(wanted.flag, &other, &wanted.serves, explain) {
                return ControlFlow::Break(self.shut(&other, explain));
            }
        }
        let Some(parent) = self.flag.parent else { return ControlFlow::Continue((Reason::Static, None)) };
        let above = match self.other(parent.flag, explain) {
            Ok(above) => above,
            Err(answer) => return ControlFlow::Break(answer),
        };
        if let Some(above_flag) = self.snapshot.ruleset.flags.get(parent.flag.index()) {
            explain.note(Note::Parent(above_flag, &above));
        }
        if !above.is_on() {
            return ControlFlow::Break(self.shut(&above, explain));
        }
        ControlFlow::Continue((above.reason, above.bucket))
    }

    /// Off because another flag has not let the subject in; an error there is an error here.
    fn shut(&self, other: &Evaluation, explain: &mut impl Explain) -> Evaluation {
        match other.error {
            Some(_) => Evaluation { share: self.state.share, served: None, ..*other },
            None => self.off(other.reason, other.bucket, explain),
        }
    }

    /// Off outside the flag's range, where flags exclude each other: no list, rule or operator reaches beyond it.
    #[inline]
    fn of_slot(&self, explain: &mut impl Explain) -> Option<Evaluation> {
        let slot = self.flag.slot.as_ref()?;
        let Some(key) = subject(&self.flag.by, self.context) else {
            return Some(self.error(ErrorCode::TargetingKeyMissing, explain));
        };
        let bucket = self.flag.bucketer.bucket(key);
        let is_inside = (u64::from(slot.start)..slot.end).contains(&u64::from(bucket));
        explain.note(Note::Slot(slot, bucket, is_inside));
        (!is_inside).then(|| self.off(Reason::Split, Some(bucket), explain))
    }

    /// Off for those who are held back: no list, rule or operator reaches them.
    #[inline]
    fn of_holdback(&self, explain: &mut impl Explain) -> Option<Evaluation> {
        let holdback = self.snapshot.ruleset.holdbacks.get(self.flag.holdback?.index())?;
        if holdback.share == Share::ZERO {
            return None;
        }
        let Some(key) = subject(&holdback.bucketed.by, self.context) else {
            return Some(self.error(ErrorCode::TargetingKeyMissing, explain));
        };
        let bucket = holdback.bucketed.bucketer.bucket(key);
        let is_held = bucket::is_in(bucket, holdback.share.threshold());
        explain.note(Note::Holdback(holdback, bucket, is_held));
        is_held.then(|| self.off(Reason::Split, None, explain))
    }

    /// What the flag's lists say of the subject; an operator's override goes before them.
    #[inline]
    fn of_lists(&self, explain: &mut impl Explain) -> Option<Evaluation> {
        if self.state.is_overridden {
            explain.note(Note::Overridden(self.state.share));
            return None;
        }
        let (off, on) = (&self.flag.always_off, &self.flag.always_on);
        let key = self.context.targeting_key?;
        if !off.is_empty() && off.has(key) {
            explain.note(Note::Listed("always_off"));
            return Some(self.off(Reason::TargetingMatch, None, explain));
        }
        if !on.is_empty() && on.has(key) {
            explain.note(Note::Listed("always_on"));
            return Some(self.on(&RuleVariants::OfFlag, Reason::TargetingMatch, None, explain));
        }
        if !(key.is_empty() || off.is_empty() && on.is_empty()) {
            explain.note(Note::Unlisted);
        }
        None
    }

    /// What a rule says, where it matches.
    #[inline]
    fn of_rule<E: Explain>(&self, at: usize, rule: &Rule, explain: &mut E) -> Option<Evaluation> {
        if let Some(operator) = &rule.unknown {
            explain.note(Note::UnknownOperator(at, rule, operator));
            return None;
        }
        let is_met = rule.when.as_ref().is_none_or(|when| holds(when, self.context, self, explain));
        explain.note(Note::Rule(at, rule, is_met));
        if !is_met {
            return None;
        }
        let (is_on, reason, bucket) = match rule.share {
            Share::ZERO => (false, Reason::TargetingMatch, None),
            Share::FULL => (true, Reason::TargetingMatch, None),
            share => {
                let (bucketer, by, start) = match &rule.bucketed {
                    Some(bucketed) => (&bucketed.bucketer, &bucketed.by, 0),
                    None => (&self.flag.bucketer, &self.flag.by, self.flag.start()),
                };
                let Some(key) = subject(by, self.context) else {
                    return match rule.otherwise {
                        Otherwise::Next => None,
                        Otherwise::Default => Some(self.error(ErrorCode::TargetingKeyMissing, explain)),
                    };
                };
                let bucket = bucketer.bucket(key);
                let threshold = match &rule.bucketed {
                    Some(_) => rule.threshold,
                    None => own_threshold(self.snapshot, self.flag, share, rule.threshold),
                };
                explain.note(Note::Split { bucket, start, threshold });
                (bucket::is_in(bucket.wrapping_sub(start), threshold), Reason::Split, Some(bucket))
            }
        };
        match (is_on, rule.otherwise) {
            (true, _) => Some(self.on(&rule.variants, reason, bucket, explain)),
            (false, Otherwise::Default) => Some(self.off(reason, bucket, explain)),
            (false, Otherwise::Next) => None,
        }
    }

    /// What the share says: nobody, everybody, or those whose bucket lies below the threshold.
    #[inline]
    fn of_share(&self, whole: Whole, explain: &mut impl Explain) -> Evaluation {
        let share = self.state.share;
        if share == Share::ZERO {
            explain.note(Note::Whole(share));
            return self.off(Reason::Static, None, explain);
        }
        if share == Share::FULL {
            explain.note(Note::Whole(share));
            return self.on(&RuleVariants::OfFlag, whole.0, whole.1, explain);
        }
        let flag = self.flag;
        let Some(key) = subject(&flag.by, self.context) else {
            return self.error(ErrorCode::TargetingKeyMissing, explain);
        };
        let bucket = flag.bucketer.bucket(key);
        let threshold = own_threshold(self.snapshot, flag, share, share.threshold());
        explain.note(Note::Split { bucket, start: flag.start(), threshold });
        match bucket::is_in(bucket.wrapping_sub(flag.start()), threshold) {
            true => self.on(&RuleVariants::OfFlag, Reason::Split, Some(bucket), explain),
            false => self.off(Reason::Split, Some(bucket), explain),
        }
    }
}

/// What a question is bucketed by, where the context has it; an empty key is no key.
#[inline(always)]
pub(super) fn subject<'a>(by: &Bucketing, context: &Context<'a>) -> Option<&'a [u8]> {
    let key = match by {
        Bucketing::TargetingKey => context.targeting_key,
        other => subject_of(other, context),
    };
    key.filter(|key| !key.is_empty())
}

/// By itself, so that the usual question needs no call.
#[inline(never)]
fn subject_of<'a>(by: &Bucketing, context: &Context<'a>) -> Option<&'a [u8]> {
    let text = |name: &Key| context.text(name.as_str()).map(str::as_bytes);
    match by {
        Bucketing::TargetingKey => context.targeting_key,
        Bucketing::Attribute(name) => text(name),
        Bucketing::FirstOf(several) => several.iter().find_map(|by| match by {
            Bucketing::TargetingKey => context.targeting_key.filter(|key| !key.is_empty()),
            Bucketing::Attribute(name) => text(name).filter(|key| !key.is_empty()),
            // The compiler makes no lists of lists.
            Bucketing::FirstOf(_) => None,
        }),
    }
}

/// The threshold of a flag's own bucket.
///
/// A share of the parent's subjects with the parent's bucket is that part of the parent's threshold: the subjects
/// inside have buckets below it, evenly.
fn own_threshold(snapshot: &Snapshot, flag: &Flag, share: Share, own: u64) -> u64 {
    match flag.parent {
        Some(parent) if parent.share_of == ShareOf::Parent && parent.same_bucket => {
            let above = reach(snapshot, parent.flag, 0);
            ((u128::from(above) * u128::from(share.ppm())) / 1_000_000) as u64
        }
        _ => own,
    }
}

/// The threshold below which a flag is on by its bucket alone, with its parents on the same bucket.
pub fn reach(snapshot: &Snapshot, id: FlagId, depth: usize) -> u64 {
    let (Some(flag), Some(state)) = (snapshot.ruleset.flags.get(id.index()), snapshot.states.get(id.index()))
    else {
        return 0;
    };
    if flag.is_final {
        return Share::FULL.threshold();
    }
    let own = state.share.threshold();
    match flag.parent {
        Some(parent) if parent.same_bucket && depth < WITHIN_DEPTH_MAX => {
            let above = reach(snapshot, parent.flag, depth + 1);
            match parent.share_of {
                ShareOf::Total => own.min(above),
                ShareOf::Parent => ((u128::from(above) * u128::from(state.share.ppm())) / 1_000_000) as u64,
            }
        }
        _ => own,
    }
}
