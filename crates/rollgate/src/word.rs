//! The one word of a flag that its handles read.

use rollgate_core::bucket;
use rollgate_core::evaluate::{is_alone, reach};
use rollgate_core::id::FlagId;
use rollgate_core::limits::WITHIN_DEPTH_MAX;
use rollgate_core::snapshot::{Bucketing, Flag, Snapshot};

/// Everybody: the threshold of 100 %. A word above it means that one number cannot say it.
pub(crate) const EVERYBODY: u64 = 1 << 32;
/// The flag has lists or rules and hangs on nothing but itself; below this bit lies the threshold of its share.
const ALONE: u64 = 1 << 40;
/// The flag needs the whole evaluation: another flag, a holdback, a choice of a variant.
const WALK: u64 = u64::MAX;

/// The threshold of a flag that hangs on nothing but itself.
pub(crate) const fn alone(word: u64) -> Option<u64> {
    if word >> 40 == 1 { Some(word & (ALONE - 1)) } else { None }
}

/// The empty key is never hashed: a split has no answer for it. Nobody needs no key.
#[inline(always)]
pub(crate) fn is_below(seed: u64, key: &[u8], word: u64) -> bool {
    word != 0 && !key.is_empty() && bucket::is_in(bucket::bucket(seed, key), word)
}

/// One number that decides a flag for everybody, or [`WALK`] where none does.
pub(crate) fn word_of(snapshot: &Snapshot, id: FlagId) -> u64 {
    let mut next = Some(id);
    let mut is_own_bucket = true;
    // A choice among variants needs a key even where everybody is on.
    let mut needs_key = false;
    for _ in 0..=WITHIN_DEPTH_MAX {
        let Some(at) = next else { return word_of_reach(snapshot, id, is_own_bucket, needs_key) };
        let (Some(flag), Some(state)) =
            (snapshot.ruleset.flags.get(at.index()), snapshot.states.get(at.index()))
        else {
            return 0;
        };
        let (chooses, is_by_key) = chooses(flag);
        needs_key |= chooses;
        if flag.is_final {
            // A constant: whatever lies above it, only the flags below it are still asked.
            return match (at == id, needs_key) {
                (true, false) => EVERYBODY,
                (true, true) => WALK,
                (false, _) => word_of_reach(snapshot, id, is_own_bucket, needs_key),
            };
        }
        if state.is_killed || flag.malformed.is_some() || !flag.is_enabled {
            // Off, or the caller's default, which is off for a boolean call.
            return 0;
        }
        let has_own = !flag.always_on.is_empty() || !flag.always_off.is_empty() || !flag.rules.is_empty();
        let asks_more = !flag.prerequisites.is_empty() || flag.holdback.is_some() || !flag.is_plain_split();
        if at == id && has_own && !state.is_overridden && is_alone(flag) {
            return ALONE | state.share.threshold();
        }
        if (has_own && !state.is_overridden) || asks_more || !is_by_key {
            return WALK;
        }
        is_own_bucket &= flag.parent.is_none_or(|parent| parent.same_bucket);
        next = flag.parent.map(|parent| parent.flag);
    }
    WALK
}

fn word_of_reach(snapshot: &Snapshot, id: FlagId, is_own_bucket: bool, needs_key: bool) -> u64 {
    match is_own_bucket {
        true => match reach(snapshot, id, 0) {
            EVERYBODY if needs_key => WALK,
            word => word,
        },
        false => WALK,
    }
}

/// Whether a flag chooses among variants, and whether the targeting key is all that it needs for that.
fn chooses(flag: &Flag) -> (bool, bool) {
    let Some(variants) = &flag.variants else { return (false, true) };
    let is_choice = variants.is_choice();
    (is_choice, !is_choice || variants.bucketed.by == Bucketing::TargetingKey)
}
