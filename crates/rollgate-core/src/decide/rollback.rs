//! Going back: to a phase, to zero, or some flags to a share. Nothing here raises anything.

use super::record::{Body, CauseKind, CauseOf, ShareMap};
use super::transition::Turn;
use super::{Latch, Status, TriggerRef};
use crate::id::{Key, PhaseId};
use crate::snapshot::{Plan, RollbackTarget, RollbackTo};
use crate::units::Share;

/// The shares after a rollback to `target`: for each flag the smaller of now and target.
pub(super) fn lowered(plan: &Plan, target: &RollbackTarget, shares: &[Share]) -> Vec<Share> {
    let mut lowered = shares.to_vec();
    match target {
        RollbackTarget::Zero => lowered.fill(Share::ZERO),
        RollbackTarget::Phase(phase) => {
            if let Some(phase) = plan.phases.get(phase.index()) {
                for (share, last) in lowered.iter_mut().zip(&phase.last_shares) {
                    *share = (*share).min(*last);
                }
            }
        }
        RollbackTarget::Set(set) => {
            for (flag, limit) in set {
                if let Some(share) = lowered.get_mut(flag.index()) {
                    *share = (*share).min(*limit);
                }
            }
        }
    }
    lowered
}

/// Whether a rollback to `target` would lower any flag.
pub(super) fn can_lower(turn: &Turn<'_>, target: &RollbackTarget) -> bool {
    let Some(plan) = turn.plan() else { return false };
    !turn.state.is_killed && lowered(plan, target, &turn.state.shares) != turn.state.shares
}

/// Rolls back to all of `targets` at once; the lowest wins, flag by flag (SEMANTICS 5.3, 6.5).
pub(super) fn roll_back(turn: &mut Turn<'_>, targets: &[&RollbackTo], fired: &[TriggerRef], cause: CauseOf) {
    let Some(plan) = turn.plan() else { return };
    let mut shares = turn.state.shares.clone();
    for to in targets {
        shares = lowered(plan, &to.target, &shares);
    }
    let is_zero = targets.iter().any(|to| to.target == RollbackTarget::Zero);
    let phase = targets
        .iter()
        .filter_map(|to| match to.target {
            RollbackTarget::Phase(phase) => Some(phase),
            _ => None,
        })
        .min();
    let to = match (is_zero, phase) {
        (true, _) => Key::new("zero"),
        (false, Some(phase)) => plan.phase(phase).key.clone(),
        (false, None) => Key::new("set"),
    };

    let state = &mut turn.state;
    super::actions::forget(state);
    let current = if state.status == Status::RolledBack { state.applied } else { state.phase };
    state.failed = state.failed.or(state.phase);
    state.applied = match (is_zero, phase) {
        (true, _) => None,
        (false, Some(phase)) => current.map(|current: PhaseId| current.min(phase)),
        (false, None) => current,
    };
    state.is_set_rollback =
        !is_zero && phase.is_none() && (state.status != Status::RolledBack || state.is_set_rollback);
    state.is_killed |= is_zero;
    state.has_fallen_to_zero |= shares.iter().all(|share| *share == Share::ZERO);
    state.planned = shares.iter().zip(&state.planned).map(|(new, planned)| *new.min(planned)).collect();
    state.rollback_from = Some(turn.now.observed);
    state.rollback_watched = state.watched;
    state.contingency.clear();
    state.paused_from = None;
    turn.set_status(Status::RolledBack);
    lapse_proposals(turn, fired);
    for trigger in fired {
        latch(turn, *trigger, Watch::Settle);
    }
    turn.reset_streaks();
    turn.count_rollback();
    turn.mark();

    let keys = fired.iter().filter_map(|trigger| Some(trigger.of(plan)?.key.clone())).collect();
    let map = ShareMap::all(turn.ruleset, &shares);
    turn.record(Body::RolledBack { to, shares: map, triggers: keys, cause: cause.clone() });
    turn.change_shares(shares, cause);
}

/// Whether a fired trigger is watched for what its rollback did.
pub(super) enum Watch {
    /// It rolled back: judge it again once it must have been cured.
    Settle,
    /// It asked, or ran dry: nothing to cure.
    Nothing,
}

/// Closes a trigger's latch.
pub(super) fn latch(turn: &mut Turn<'_>, trigger: TriggerRef, watch: Watch) {
    let settle = match watch {
        Watch::Settle => {
            turn.plan().and_then(|plan| trigger.of(plan)).map(|rule| turn.now.observed + rule.settle)
        }
        Watch::Nothing => None,
    };
    turn.state.latches.retain(|latch| latch.trigger != trigger);
    turn.state.latches.push(Latch { trigger, fired: turn.now.observed, is_closed: true, settle });
}

/// Ends every pending proposal; those of `fired` triggers were answered, the others lapse.
pub(super) fn lapse_proposals(turn: &mut Turn<'_>, fired: &[TriggerRef]) {
    let Some(plan) = turn.plan() else { return };
    for proposal in std::mem::take(&mut turn.state.proposals) {
        let Some(rule) = proposal.trigger.of(plan) else { continue };
        if !fired.contains(&proposal.trigger) {
            turn.record(Body::ProposalLapsed { trigger: rule.key.clone() });
        }
    }
}

/// The cause of a rollback by triggers: the first of them.
pub(super) fn by_trigger(key: &Key) -> CauseOf {
    CauseOf { kind: CauseKind::Trigger, name: key.clone() }
}
