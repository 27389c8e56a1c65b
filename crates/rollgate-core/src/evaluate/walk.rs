//! The evaluation itself, in the order of SEMANTICS 2.1.

use std::ops::ControlFlow;

use super::answer::{ErrorCode, Evaluation, Reason, Variant};
use super::context::{Context, FlagRef};
use super::explain::{Explain, Note, Quiet};
use crate::bucket;
use crate::id::FlagId;
use crate::limits::WITHIN_DEPTH_MAX;
use crate::snapshot::{Bucketing, Flag, FlagState, ShareOf, Snapshot};
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
    Evaluation { variant: None, reason: Reason::Error, error: Some(code), bucket: None, share, version }
}

fn one(
    snapshot: &Snapshot,
    id: FlagId,
    context: &Context<'_>,
    depth: usize,
    explain: &mut impl Explain,
) -> Evaluation {
    let (Some(flag), Some(state)) = (snapshot.ruleset.flags.get(id.index()), snapshot.states.get(id.index()))
    else {
        return error(snapshot.version, Share::ZERO, ErrorCode::FlagNotFound, explain);
    };
    explain.note(Note::Flag(flag, depth));
    let asked = Asked { snapshot, flag, state, context };
    if let Some(answer) = asked.of_everybody(explain) {
        return answer;
    }
    let whole = match asked.inside(depth, explain) {
        ControlFlow::Continue(whole) => whole,
        ControlFlow::Break(answer) => return answer,
    };
    match asked.of_lists(explain) {
        Some(answer) => answer,
        // Targeting rules stand here, in their order, once the plan format has them.
        None => asked.of_share(whole, explain),
    }
}

/// One flag for one context.
struct Asked<'a> {
    snapshot: &'a Snapshot,
    flag: &'a Flag,
    state: &'a FlagState,
    context: &'a Context<'a>,
}

/// What a share of 100 % answers: inside a split parent not even that is the same for everybody.
type Whole = (Reason, Option<u32>);

impl Asked<'_> {
    fn answer(&self, variant: Option<Variant>, reason: Reason, bucket: Option<u32>) -> Evaluation {
        let (share, version) = (self.state.share, self.snapshot.version);
        Evaluation { variant, reason, error: None, bucket, share, version }
    }

    fn error(&self, code: ErrorCode, explain: &mut impl Explain) -> Evaluation {
        error(self.snapshot.version, self.state.share, code, explain)
    }

    /// What is the same for everybody, whatever the share.
    #[inline]
    fn of_everybody(&self, explain: &mut impl Explain) -> Option<Evaluation> {
        if self.flag.is_final {
            explain.note(Note::Final);
            let answer = self.answer(Some(Variant::On), Reason::Static, None);
            return Some(Evaluation { share: Share::FULL, ..answer });
        }
        if self.state.is_killed {
            explain.note(Note::Killed);
            return Some(self.answer(Some(Variant::Off), Reason::Static, None));
        }
        if !self.flag.is_enabled {
            explain.note(Note::Disabled);
            return Some(self.answer(None, Reason::Disabled, None));
        }
        None
    }

    /// Whether the parent lets the subject in; the answer where it does not.
    #[inline]
    fn inside(&self, depth: usize, explain: &mut impl Explain) -> ControlFlow<Evaluation, Whole> {
        let Some(parent) = self.flag.parent else { return ControlFlow::Continue((Reason::Static, None)) };
        if depth >= WITHIN_DEPTH_MAX {
            // The compiler refuses such a plan; what did not come from it is isolated here.
            return ControlFlow::Break(self.error(ErrorCode::ParseError, explain));
        }
        let above = one(self.snapshot, parent.flag, self.context, depth + 1, explain);
        if let Some(above_flag) = self.snapshot.ruleset.flags.get(parent.flag.index()) {
            explain.note(Note::Parent(above_flag, &above));
        }
        if above.error.is_some() {
            return ControlFlow::Break(Evaluation { share: self.state.share, ..above });
        }
        if !above.is_on() {
            return ControlFlow::Break(self.answer(Some(Variant::Off), above.reason, above.bucket));
        }
        ControlFlow::Continue((above.reason, above.bucket))
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
        for (list, name, variant) in [(off, "always_off", Variant::Off), (on, "always_on", Variant::On)] {
            if !list.is_empty() && list.has(key) {
                explain.note(Note::Listed(name));
                return Some(self.answer(Some(variant), Reason::TargetingMatch, None));
            }
        }
        if !(key.is_empty() || off.is_empty() && on.is_empty()) {
            explain.note(Note::Unlisted);
        }
        None
    }

    /// What the share says: nobody, everybody, or those whose bucket lies below the threshold.
    #[inline]
    fn of_share(&self, whole: Whole, explain: &mut impl Explain) -> Evaluation {
        let share = self.state.share;
        if share == Share::ZERO {
            explain.note(Note::Whole(share));
            return self.answer(Some(Variant::Off), Reason::Static, None);
        }
        if share == Share::FULL {
            explain.note(Note::Whole(share));
            return self.answer(Some(Variant::On), whole.0, whole.1);
        }
        let Some(key) = subject(self.flag, self.context) else {
            return self.error(ErrorCode::TargetingKeyMissing, explain);
        };
        let bucket = bucket::bucket(self.flag.seed, key);
        let threshold = own_threshold(self.snapshot, self.flag, self.state);
        explain.note(Note::Split(bucket, threshold));
        let variant = if bucket::is_in(bucket, threshold) { Variant::On } else { Variant::Off };
        self.answer(Some(variant), Reason::Split, Some(bucket))
    }
}

/// What the flag is bucketed by, where the context has it; an empty key is no key.
fn subject<'a>(flag: &Flag, context: &Context<'a>) -> Option<&'a [u8]> {
    let key = match &flag.by {
        Bucketing::TargetingKey => context.targeting_key,
        Bucketing::Attribute(name) => context.text(name.as_str()).map(str::as_bytes),
    };
    key.filter(|key| !key.is_empty())
}

/// The threshold of a flag's own bucket.
///
/// A share of the parent's subjects with the parent's bucket is that part of the parent's threshold: the subjects
/// inside have buckets below it, evenly.
fn own_threshold(snapshot: &Snapshot, flag: &Flag, state: &FlagState) -> u64 {
    let own = state.share.threshold();
    match flag.parent {
        Some(parent) if parent.share_of == ShareOf::Parent && parent.same_bucket => {
            let above = reach(snapshot, parent.flag, 0);
            ((u128::from(above) * u128::from(state.share.ppm())) / 1_000_000) as u64
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
