//! How verdicts fold (SEMANTICS 4.4, 5.1).

use super::finding::SetVerdict;
use super::verdict::{Cause, Verdict};

const fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skipped => 0,
        Verdict::Pass => 1,
        Verdict::Warn => 2,
        Verdict::Inconclusive(_) => 3,
        Verdict::Fail => 4,
    }
}

/// The first of the worst, or of the best; skipped ones do not count, and nothing at all is no evidence.
fn first(verdicts: impl Iterator<Item = Verdict>, is_better: fn(u8, u8) -> bool) -> Verdict {
    let mut folded = None;
    for verdict in verdicts {
        folded = match folded {
            Some(Verdict::Skipped) | None => Some(verdict),
            Some(_) if verdict == Verdict::Skipped => folded,
            Some(so_far) if is_better(badness(verdict), badness(so_far)) => Some(verdict),
            Some(_) => folded,
        };
    }
    folded.unwrap_or(Verdict::Inconclusive(Cause::NoData))
}

/// `all`: the worst. All skipped is Skipped.
pub(super) fn all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    first(verdicts, |new, old| new > old)
}

/// `any`: the best. All skipped is Skipped.
pub(super) fn any(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    first(verdicts, |new, old| new < old)
}

/// `not`: a warning holds, so its opposite fails; what cannot be said stays so.
pub(super) const fn not(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Pass | Verdict::Warn => Verdict::Fail,
        Verdict::Fail => Verdict::Pass,
        other => other,
    }
}

/// `at_least_of`: a warning where it takes one to reach `needed`.
pub(super) fn at_least_of(needed: usize, verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let (mut pass, mut warn, mut fail, mut asked, mut unsaid) = (0, 0, 0, 0, Vec::new());
    for verdict in verdicts {
        asked += usize::from(verdict != Verdict::Skipped);
        match verdict {
            Verdict::Pass => pass += 1,
            Verdict::Warn => warn += 1,
            Verdict::Inconclusive(cause) => unsaid.push(cause),
            Verdict::Fail => fail += 1,
            Verdict::Skipped => {}
        }
    }
    match unsaid.first() {
        _ if asked == 0 => Verdict::Skipped,
        // Nothing was asked for, so nothing was shown.
        _ if needed == 0 => Verdict::Inconclusive(Cause::NoData),
        _ if pass >= needed => Verdict::Pass,
        _ if pass + warn >= needed => Verdict::Warn,
        Some(&cause) if pass + warn + unsaid.len() >= needed => Verdict::Inconclusive(cause),
        // Too few were asked: none of them failed, so there is nothing that a `not` could turn into a pass.
        cause if fail == 0 => Verdict::Inconclusive(cause.copied().unwrap_or(Cause::NoData)),
        _ => Verdict::Fail,
    }
}

/// The verdict on a gate set (SEMANTICS 5.1). The caller leaves dry-run gates out.
///
/// An empty set, or one that was skipped as a whole, is inconclusive: nothing was shown.
pub fn fold_set(verdicts: impl Iterator<Item = Verdict>) -> SetVerdict {
    match all(verdicts) {
        Verdict::Pass | Verdict::Warn => SetVerdict::Passed,
        Verdict::Fail => SetVerdict::Failed,
        Verdict::Inconclusive(_) | Verdict::Skipped => SetVerdict::Inconclusive,
    }
}
