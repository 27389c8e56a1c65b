//! People's decisions: go, no-go, rollback, approval.

use super::docket::is_due;
use super::evaluation::{enter, record_gates};
use super::record::{Body, CauseKind, CauseOf};
use super::rollback::{can_lower, roll_back};
use super::transition::Turn;
use super::{Choice, Command, Status, Vote, after, calendar};
use crate::id::{Key, PhaseId, RoleId};
use crate::judge::{Finding, SetVerdict};
use crate::snapshot::{DecisionRule, Phase, RollbackTarget, RollbackTo};
use crate::time::Timestamp;

/// Why a decision is refused, in one sentence.
type Refusal = String;

/// Decides, or journals why not.
pub(super) fn decide(turn: &mut Turn<'_>, command: &Command, choice: &Choice, rationale: &str) {
    let outcome = match choice {
        Choice::Go { override_reason } => go(turn, command, rationale, override_reason.as_deref()),
        Choice::NoGo => no_go(turn, command, rationale),
        Choice::Rollback { to } => go_back(turn, command, rationale, to.as_ref()),
    };
    if let Err(why) = outcome {
        turn.refused = Some(why.clone());
        turn.record(Body::DecisionRefused { choice: choice.name(), by: command.by.clone(), why });
    }
}

/// The refusal of a role that nobody can act in.
pub(super) fn no_role(turn: &Turn<'_>, named: &Key) -> Refusal {
    let roles: Vec<&str> = turn.ruleset.roles.iter().map(|rule| rule.key.as_str()).collect();
    let roles = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
    format!("the plan has no role `{named}`; it has {roles}")
}

/// The roles that the command's author acts in.
pub(super) fn roles_of(turn: &Turn<'_>, command: &Command) -> Result<Vec<RoleId>, Refusal> {
    let ruleset = turn.ruleset;
    let holds = |role: RoleId| {
        ruleset
            .roles
            .get(role.index())
            .is_some_and(|rule| rule.members.is_empty() || rule.members.contains(&command.by))
    };
    if let Some(named) = &command.role {
        let Some(role) = ruleset.role_of(named.as_str()) else {
            return Err(no_role(turn, named));
        };
        if !holds(role) {
            return Err(format!("{} is not listed as {named}", command.by));
        }
        return Ok(vec![role]);
    }
    let ids = (0..ruleset.roles.len()).map(|index| RoleId(index as u16));
    let acts = |id: &RoleId| {
        ruleset.roles.get(id.index()).is_some_and(|rule| {
            (rule.key == command.by && rule.members.is_empty()) || rule.members.contains(&command.by)
        })
    };
    Ok(ids.filter(acts).collect())
}

fn names(turn: &Turn<'_>, roles: &[RoleId]) -> String {
    let names: Vec<&str> =
        roles.iter().filter_map(|role| Some(turn.ruleset.roles.get(role.index())?.key.as_str())).collect();
    names.join(", ")
}

/// The decision rule of the current phase and the author's role in it.
fn standing<'a>(
    turn: &Turn<'a>,
    command: &Command,
    rationale: &str,
) -> Result<(&'a Phase, &'a DecisionRule, Vec<RoleId>), Refusal> {
    let Some(phase) = turn.phase() else { return Err("the rollout has not started".into()) };
    let Some(rule) = &phase.decision else {
        return Err(format!("phase `{}` has no decision: it advances by itself", phase.key));
    };
    if rationale.trim().is_empty() {
        return Err("a decision needs a rationale".into());
    }
    let all = roles_of(turn, command)?;
    let roles: Vec<RoleId> = all
        .into_iter()
        .filter(|role| rule.roles.contains(role) || rule.optional_roles.contains(role))
        .collect();
    if roles.is_empty() {
        return Err(format!(
            "{} has no vote here; the roles that decide are {}",
            command.by,
            names(turn, &rule.roles)
        ));
    }
    Ok((phase, rule, roles))
}

fn role_key(turn: &Turn<'_>, role: RoleId) -> Key {
    turn.ruleset.roles.get(role.index()).map_or_else(|| Key::new(""), |rule| rule.key.clone())
}

fn go(turn: &mut Turn<'_>, command: &Command, rationale: &str, over: Option<&str>) -> Result<(), Refusal> {
    let (phase, rule, roles) = standing(turn, command, rationale)?;
    let is_overridden = over.is_some_and(|reason| !reason.trim().is_empty());
    if over.is_some() && !is_overridden {
        return Err("an override needs its reason".into());
    }
    match turn.state.status {
        Status::AwaitingDecision => {}
        Status::Running if is_overridden => {}
        Status::Running => {
            return Err(format!("phase `{}` is still running; its decision is not awaited yet", phase.key));
        }
        status => return Err(format!("the rollout is {}; there is nothing to say go to", status.name())),
    }
    if turn.state.agenda.queued.is_some() {
        return hurry(turn, command, rationale, over, rule, &roles);
    }
    let votes = &turn.state.votes;
    if votes.iter().any(|vote| vote.by == command.by) {
        return Err(format!("{} has already said go; distinct people fill distinct roles", command.by));
    }
    let open = |role: &&RoleId| !votes.iter().any(|vote| vote.role == **role);
    let required = roles.iter().filter(|role| rule.roles.contains(role)).find(open).copied();
    let Some(role) = required.or_else(|| roles.iter().find(open).copied()) else {
        return Err(format!("{} has already said go", names(turn, &roles)));
    };
    let missing: Vec<RoleId> = rule
        .roles
        .iter()
        .copied()
        .filter(|needed| *needed != role && !votes.iter().any(|vote| vote.role == *needed))
        .collect();
    let is_last = missing.is_empty() && rule.roles.contains(&role);
    // Every go records the verdicts it was given on; only the last one depends on them.
    let findings = if is_last { last_go(turn, is_overridden)? } else { gate_findings(turn) };
    turn.record(Body::Decided {
        choice: "go",
        by: command.by.clone(),
        role: role_key(turn, role),
        rationale: rationale.into(),
        override_reason: over.map(Into::into),
        to: None,
        findings,
    });
    // An override covers the calendar too.
    if is_last && (is_overridden || !calendar::queue(turn, &command.by, role)) {
        pass_by(turn, command, over);
    } else {
        turn.state.votes.push(Vote { by: command.by.clone(), role });
    }
    Ok(())
}

/// Everybody has said go and the calendar is closed: one who decides may go on at once, with a reason.
fn hurry(
    turn: &mut Turn<'_>,
    command: &Command,
    rationale: &str,
    over: Option<&str>,
    rule: &DecisionRule,
    roles: &[RoleId],
) -> Result<(), Refusal> {
    if over.is_none() {
        let agenda = &turn.state.agenda;
        let by = agenda.queued.as_ref().map(|queued| queued.by.to_string()).unwrap_or_default();
        let until = agenda.held.as_ref().and_then(|held| held.until);
        let until = turn.plan().zip(until).map(|(plan, until)| plan.calendar.zone.show(until));
        let until = until.map_or_else(String::new, |until| format!(" until {until}"));
        return Err(format!(
            "the last go has been given, by {by}; it waits for the calendar{until}; an override does not wait"
        ));
    }
    let Some(role) = roles.iter().find(|role| rule.roles.contains(role)).copied() else {
        return Err(format!("{} may be recorded, but does not decide", names(turn, roles)));
    };
    let findings = last_go(turn, true)?;
    turn.record(Body::Decided {
        choice: "go",
        by: command.by.clone(),
        role: role_key(turn, role),
        rationale: rationale.into(),
        override_reason: over.map(Into::into),
        to: None,
        findings,
    });
    pass_by(turn, command, over);
    Ok(())
}

/// The phase passes by somebody's word: where that is an override, whoever is told of it is told so.
fn pass_by(turn: &mut Turn<'_>, command: &Command, over: Option<&str>) {
    if let (Some(phase), Some(why)) = (turn.state.phase, over) {
        after::overridden(&mut turn.state, phase, &command.by, why);
    }
    pass_phase(turn);
}

fn gate_findings(turn: &Turn<'_>) -> Vec<Finding> {
    turn.findings.gates.as_ref().map(|gates| gates.findings.clone()).unwrap_or_default()
}

/// What the last `go` needs: no open proposal, and gates that pass or an override.
fn last_go(turn: &mut Turn<'_>, is_overridden: bool) -> Result<Vec<Finding>, Refusal> {
    let plan = turn.plan().ok_or("there is no plan")?;
    if let Some(proposal) = turn.state.proposals.first() {
        let key = proposal.trigger.of(plan).map_or_else(String::new, |rule| rule.key.to_string());
        return Err(format!("the proposal of trigger `{key}` is pending; approve or dismiss it first"));
    }
    if is_overridden {
        return Ok(gate_findings(turn));
    }
    if !is_due(plan, &turn.state) {
        return Err("the gates are not due yet".into());
    }
    let Some(gates) = &turn.findings.gates else { return Err("the gates have not been judged".into()) };
    match gates.verdict {
        SetVerdict::Passed => Ok(gates.findings.clone()),
        SetVerdict::Failed | SetVerdict::Inconclusive => {
            let reasons: Vec<String> = gates
                .findings
                .iter()
                .filter(|finding| {
                    !finding.is_dry_run
                        && !finding.verdict.is_passing()
                        && finding.verdict.name() != "SKIPPED"
                })
                .map(|finding| {
                    format!("{} is {} ({})", finding.key, finding.verdict.name(), finding.sentence)
                })
                .collect();
            let why = if reasons.is_empty() { "every gate was skipped".into() } else { reasons.join("; ") };
            record_gates(turn);
            Err(format!(
                "the gates do not pass: {why}; to go on all the same, give an override with its reason"
            ))
        }
    }
}

/// The phase has passed: on to the next, or to the end.
pub(super) fn pass_phase(turn: &mut Turn<'_>) {
    let (Some(plan), Some(id)) = (turn.plan(), turn.state.phase) else { return };
    let is_open = plan.phases.get(id.index()).is_some_and(|phase| phase.duration.is_none());
    let next = plan.phases.get(id.index() + 1).map(|_| PhaseId(id.0 + 1));
    turn.state.votes.clear();
    turn.state.agenda.queued = None;
    match next {
        Some(next) => {
            turn.set_status(Status::Running);
            turn.record(Body::PhasePassed {});
            // Completed is reported with the last finite phase; what follows is open.
            if !is_open && plan.phase(next).duration.is_none() {
                turn.state.is_completed = true;
                turn.state.after.completed_at = Some(turn.now.wall);
                turn.record(Body::Completed {});
            }
            enter(turn, next);
        }
        None => {
            let was_completed = turn.state.is_completed;
            turn.state.is_completed = true;
            turn.state.after.completed_at.get_or_insert(turn.now.wall);
            turn.set_status(Status::Completed);
            turn.record(Body::PhasePassed {});
            if !was_completed {
                turn.record(Body::Completed {});
            }
        }
    }
}

fn no_go(turn: &mut Turn<'_>, command: &Command, rationale: &str) -> Result<(), Refusal> {
    let (phase, rule, roles) = standing(turn, command, rationale)?;
    let Some(extend) = rule.extend else {
        return Err(format!(
            "phase `{}` has no no_go: write `no_go: {{ extend: … }}` in its decision",
            phase.key
        ));
    };
    if turn.state.status != Status::AwaitingDecision {
        return Err(format!("the decision is not awaited; the rollout is {}", turn.state.status.name()));
    }
    let Some(role) = roles.iter().find(|role| rule.roles.contains(role)) else {
        return Err(format!("{} may be recorded, but does not decide", names(turn, &roles)));
    };
    let state = &mut turn.state;
    state.extended_clock = Some(state.clock + extend);
    state.phase_from = turn.now.observed;
    state.gates = None;
    turn.set_status(Status::Running);
    turn.mark();
    turn.record(Body::Decided {
        choice: "no_go",
        by: command.by.clone(),
        role: role_key(turn, *role),
        rationale: rationale.into(),
        override_reason: None,
        to: None,
        findings: gate_findings(turn),
    });
    let until: Timestamp = turn.now.wall + extend;
    turn.record(Body::Extended { until });
    Ok(())
}

fn go_back(turn: &mut Turn<'_>, command: &Command, rationale: &str, to: Option<&Key>) -> Result<(), Refusal> {
    let (_, rule, roles) = standing(turn, command, rationale)?;
    let Some(role) = roles.iter().find(|role| rule.roles.contains(role)) else {
        return Err(format!("{} may be recorded, but does not decide", names(turn, &roles)));
    };
    let Some(to) = to else { return Err("say where to roll back to: zero, or an earlier phase".into()) };
    let target = target_of(turn, rule, to)?;
    if !can_lower(turn, &target.target) {
        return Err(format!("a rollback to `{to}` would lower no flag"));
    }
    turn.record(Body::Decided {
        choice: "rollback",
        by: command.by.clone(),
        role: role_key(turn, *role),
        rationale: rationale.into(),
        override_reason: None,
        to: Some(to.clone()),
        findings: gate_findings(turn),
    });
    roll_back(turn, &[&target], &[], CauseOf { kind: CauseKind::Decision, name: command.by.clone() });
    Ok(())
}

/// The target that a name means: one of the rule's own names, `zero`, or an earlier phase.
fn target_of(turn: &Turn<'_>, rule: &DecisionRule, to: &Key) -> Result<RollbackTo, Refusal> {
    if let Some((_, target)) = rule.rollbacks.iter().find(|(name, _)| name == to) {
        return Ok(target.clone());
    }
    if *to == "zero" || *to == "full" {
        return Ok(RollbackTo { name: Key::new("zero"), target: RollbackTarget::Zero });
    }
    let (Some(plan), Some(current)) = (turn.plan(), turn.state.phase) else {
        return Err("the rollout has not started".into());
    };
    match plan.phase_of(to.as_str()) {
        Some(phase) if phase < current => {
            Ok(RollbackTo { name: to.clone(), target: RollbackTarget::Phase(phase) })
        }
        Some(_) => Err(format!("phase `{to}` is not earlier than the current one")),
        None => Err(format!("`{to}` is neither zero, nor a phase, nor a rollback that this phase names")),
    }
}

/// A person approves what a manual trigger proposed.
pub(super) fn approve(
    turn: &mut Turn<'_>,
    command: &Command,
    key: &Key,
    rationale: &str,
) -> Result<(), Refusal> {
    let plan = turn.plan().ok_or("there is no plan")?;
    if rationale.trim().is_empty() {
        return Err("an approval needs a rationale".into());
    }
    let pending = turn.state.proposals.iter().map(|proposal| proposal.trigger);
    let found =
        pending.filter_map(|trigger| Some((trigger, trigger.of(plan)?))).find(|(_, rule)| rule.key == *key);
    let Some((trigger, rule)) = found else {
        return Err(format!("no proposal of trigger `{key}` is pending"));
    };
    let roles = roles_of(turn, command)?;
    let role = roles.into_iter().find(|role| rule.approve_by.is_empty() || rule.approve_by.contains(role));
    let role = match role {
        Some(role) => role_key(turn, role),
        None if rule.approve_by.is_empty() => command.by.clone(),
        None => {
            return Err(format!("{} may not approve it; {} may", command.by, names(turn, &rule.approve_by)));
        }
    };
    if !can_lower(turn, &rule.rollback.target) {
        return Err(format!("a rollback to `{}` would lower no flag", rule.rollback.name));
    }
    turn.record(Body::Approved {
        trigger: key.clone(),
        by: command.by.clone(),
        role,
        rationale: rationale.into(),
    });
    let cause = CauseOf { kind: CauseKind::Trigger, name: key.clone() };
    roll_back(turn, &[&rule.rollback], &[trigger], cause);
    Ok(())
}
