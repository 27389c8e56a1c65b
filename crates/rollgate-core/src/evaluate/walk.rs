//! The evaluation itself, in the order of SEMANTICS 2.1.

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
    let answer = |variant, reason, bucket| Evaluation {
        variant,
        reason,
        error: None,
        bucket,
        share: state.share,
        version: snapshot.version,
    };
    if flag.is_final {
        explain.note(Note::Final);
        return Evaluation { share: Share::FULL, ..answer(Some(Variant::On), Reason::Static, None) };
    }
    if state.is_killed {
        explain.note(Note::Killed);
        return answer(Some(Variant::Off), Reason::Static, None);
    }
    if !flag.is_enabled {
        explain.note(Note::Disabled);
        return answer(None, Reason::Disabled, None);
    }
    // Inside a split parent, not even a share of 100 % is the same for everybody.
    let mut whole = (Reason::Static, None);
    if let Some(parent) = flag.parent {
        if depth >= WITHIN_DEPTH_MAX {
            // The compiler refuses such a plan; what did not come from it is isolated here.
            return error(snapshot.version, state.share, ErrorCode::ParseError, explain);
        }
        let above = one(snapshot, parent.flag, context, depth + 1, explain);
        if let Some(above_flag) = snapshot.ruleset.flags.get(parent.flag.index()) {
            explain.note(Note::Parent(above_flag, &above));
        }
        if above.error.is_some() {
            return Evaluation { share: state.share, ..above };
        }
        if !above.is_on() {
            return answer(Some(Variant::Off), above.reason, above.bucket);
        }
        whole = (above.reason, above.bucket);
    }
    if state.is_overridden {
        explain.note(Note::Overridden(state.share));
    } else if let Some(key) = context.targeting_key {
        for (list, name, variant) in
            [(&flag.always_off, "always_off", Variant::Off), (&flag.always_on, "always_on", Variant::On)]
        {
            if !list.is_empty() && list.has(key) {
                explain.note(Note::Listed(name));
                return answer(Some(variant), Reason::TargetingMatch, None);
            }
        }
        if !(key.is_empty() || flag.always_off.is_empty() && flag.always_on.is_empty()) {
            explain.note(Note::Unlisted);
        }
        // Targeting rules stand here, in their order, once the plan format has them.
    }
    if state.share == Share::ZERO {
        explain.note(Note::Whole(state.share));
        return answer(Some(Variant::Off), Reason::Static, None);
    }
    if state.share == Share::FULL {
        explain.note(Note::Whole(state.share));
        return answer(Some(Variant::On), whole.0, whole.1);
    }
    let Some(key) = subject(flag, context) else {
        return error(snapshot.version, state.share, ErrorCode::TargetingKeyMissing, explain);
    };
    let bucket = bucket::bucket(flag.seed, key);
    let threshold = own_threshold(snapshot, flag, state);
    explain.note(Note::Split(bucket, threshold));
    let variant = if bucket::is_in(bucket, threshold) { Variant::On } else { Variant::Off };
    answer(Some(variant), Reason::Split, Some(bucket))
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
