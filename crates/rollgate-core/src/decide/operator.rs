//! Shares set by hand while a plan runs (SEMANTICS 6.8).

use super::calendar;
use super::evaluation::overridden;
use super::record::{Body, CauseKind, CauseOf, ShareMap};
use super::transition::Turn;
use super::{Command, Status};
use crate::id::{FlagId, Key};
use crate::units::Share;

fn flag_of(turn: &Turn<'_>, key: &Key) -> Result<FlagId, String> {
    turn.ruleset.flag_of(key.as_str()).ok_or_else(|| {
        let flags: Vec<&str> = turn.ruleset.flags.iter().map(|flag| flag.key.as_str()).collect();
        format!("there is no flag `{key}`; the plan has {}", flags.join(", "))
    })
}

/// Sets shares, all or nothing: lowering always, raising above the step only with a reason and while it runs.
pub(super) fn set(
    turn: &mut Turn<'_>,
    command: &Command,
    given: &[(Key, Share)],
    reason: &str,
) -> Result<(), String> {
    if given.is_empty() {
        return Err("no shares were given".into());
    }
    let has_plan = turn.plan().is_some();
    let mut shares = turn.state.shares.clone();
    let mut overrides = turn.state.overrides.clone();
    let mut named = Vec::new();
    for (key, share) in given {
        let flag = flag_of(turn, key)?;
        let (Some(slot), Some(set)) = (shares.get_mut(flag.index()), overrides.get_mut(flag.index())) else {
            return Err(format!("there is no flag `{key}`"));
        };
        if turn.ruleset.flag(flag).is_final {
            return Err(format!("`{key}` is final: it is on for everybody, and no share changes that"));
        }
        let planned = turn.state.planned.get(flag.index()).copied().unwrap_or(Share::ZERO);
        let status = turn.state.status;
        if has_plan && matches!(status, Status::RolledBack | Status::Stopped) && *share > *slot {
            return Err(format!(
                "the rollout is {}; nothing is raised until a retry: `{key}` is at {slot}",
                status.name()
            ));
        }
        if has_plan
            && *share > *slot
            && reason.trim().is_empty()
            && let Some(why) = turn.state.phase.and_then(|phase| calendar::refusal(turn, phase))
        {
            return Err(format!("{why}; to raise `{key}` to {share} all the same, give a reason beside it"));
        }
        // Lowering is always allowed, from above the plan to less above it too.
        if has_plan && *share > planned && *share > *slot {
            match status {
                Status::Pending => {
                    return Err(format!(
                        "the rollout is pending; start it before `{key}` is raised to {share}"
                    ));
                }
                _ if reason.trim().is_empty() => {
                    return Err(format!(
                        "the current step allows {planned} for `{key}`; {share} needs a reason beside it"
                    ));
                }
                _ => {}
            }
        }
        *slot = *share;
        // Without a plan there is nothing that could raise it: the share is simply the flag's.
        *set = has_plan.then_some(*share);
        named.push(flag);
    }
    turn.state.overrides = overrides;
    let flags = ShareMap::of(turn.ruleset, &named, &shares);
    turn.record(Body::Override { flags, by: command.by.clone(), reason: reason.into() });
    turn.change_shares(shares, CauseOf { kind: CauseKind::Operator, name: command.by.clone() });
    Ok(())
}

/// Gives flags back to the plan: they take the share that it allows now.
pub(super) fn release(turn: &mut Turn<'_>, command: &Command, keys: &[Key]) -> Result<(), String> {
    let mut flags = Vec::new();
    for key in keys {
        let flag = flag_of(turn, key)?;
        if turn.state.overrides.get(flag.index()).copied().flatten().is_none() {
            return Err(format!("`{key}` is not overridden"));
        }
        flags.push(flag);
    }
    if keys.is_empty() {
        let ids = (0..turn.state.overrides.len()).map(|index| FlagId(index as u16));
        flags =
            ids.filter(|flag| turn.state.overrides.get(flag.index()).copied().flatten().is_some()).collect();
        if flags.is_empty() {
            return Err("no flag is overridden".into());
        }
    }
    let mut shares = turn.state.shares.clone();
    let before = turn.state.overrides.clone();
    for flag in &flags {
        if let Some(set) = turn.state.overrides.get_mut(flag.index()) {
            *set = None;
        }
    }
    // While rolled back or stopped nothing rises: what was lowered by hand stays where it is until the retry.
    let is_down = matches!(turn.state.status, Status::RolledBack | Status::Stopped);
    let allowed = overridden(&turn.state.planned, &turn.state.overrides);
    for flag in &flags {
        if let (Some(slot), Some(share)) = (shares.get_mut(flag.index()), allowed.get(flag.index())) {
            *slot = if is_down { (*share).min(*slot) } else { *share };
        }
    }
    let raises = shares.iter().zip(&turn.state.shares).any(|(new, old)| new > old);
    if let Some(why) = turn.state.phase.filter(|_| raises).and_then(|phase| calendar::refusal(turn, phase)) {
        turn.state.overrides = before;
        return Err(format!("{why}; a share that is set with a reason does not wait"));
    }
    let keys = flags.iter().map(|flag| turn.ruleset.flag(*flag).key.clone()).collect();
    turn.record(Body::Released { flags: keys, by: command.by.clone() });
    turn.change_shares(shares, CauseOf { kind: CauseKind::Operator, name: command.by.clone() });
    Ok(())
}
