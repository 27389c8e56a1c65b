//! Notices as they would be: for somebody who tries the wiring before it matters.

use super::letter::{Letter, Source, of_sample};
use super::record::{Body, CauseKind, CauseOf, ShareMap};
use super::{RolloutState, Status};
use crate::id::{Key, PhaseId};
use crate::judge::{Finding, Verdict};
use crate::snapshot::{Notice, NoticeWhen, Phase, Ruleset};
use crate::time::{Now, Timestamp};

/// The letter of a notice in `phase`, with invented evidence. Subject and text begin with `[test]`: nobody should run.
///
/// `None` in a setup without phases.
pub fn sample(ruleset: &Ruleset, notice: &Notice, phase: PhaseId, now: Now) -> Option<Letter> {
    let plan = ruleset.plan.as_ref()?;
    let rule = plan.phases.get(phase.index())?;
    let mut state = RolloutState::new(ruleset, now.observed);
    state.phase = Some(phase);
    state.status = Status::Running;
    state.shares = rule.last_shares.to_vec();
    let body = body_of(ruleset, &state, rule, notice.when);
    let name = format!("test@{}", now.wall.0);
    let source = Source { name: &name, now };
    let mut letter = of_sample(ruleset, plan, &state, notice, &body, source);
    let marked = |text: &Key| Key::new(format!("[test] {text}"));
    letter.subject = letter.subject.as_ref().map(marked);
    letter.message = marked(&letter.message);
    Some(letter)
}

fn body_of(ruleset: &Ruleset, state: &RolloutState, phase: &Phase, when: NoticeWhen) -> Body {
    let trigger = phase.triggers.first();
    let key = trigger.map_or_else(|| Key::new("a_trigger"), |trigger| trigger.key.clone());
    let to = trigger.map_or_else(|| Key::new("zero"), |trigger| trigger.rollback.name.clone());
    let who = Key::new("somebody");
    let finding = || Finding {
        key: key.clone(),
        verdict: Verdict::Pass,
        cause: None,
        sentence: "p95(some_metric) over 1m is 612 ms, above 500 ms for 10m10s".into(),
        target: "<= 500 ms".into(),
        actual: "612 ms".into(),
        evidence: Vec::new(),
        is_dry_run: false,
    };
    match when {
        NoticeWhen::BeforeStart(_) | NoticeWhen::Daily | NoticeWhen::Weekly => reminder(""),
        NoticeWhen::PhaseStarted => Body::PhaseStarted { title: phase.title.clone() },
        NoticeWhen::PhasePassed => Body::PhasePassed {},
        NoticeWhen::Completed => Body::Completed {},
        NoticeWhen::RolledBack => Body::RolledBack {
            to,
            shares: ShareMap::all(ruleset, &state.shares),
            triggers: vec![key.clone()],
            cause: CauseOf { kind: CauseKind::Trigger, name: key },
        },
        NoticeWhen::Stopped => Body::Stopped { by: who, reason: "a test".into() },
        NoticeWhen::Proposal => Body::Proposal { trigger: key.clone(), severity: None, finding: finding() },
        NoticeWhen::RollbackIneffective => {
            Body::RollbackIneffective { trigger: key.clone(), finding: finding() }
        }
        NoticeWhen::AwaitingDecision => {
            let rule = phase.decision.iter().flat_map(|rule| &rule.roles);
            let role = |id: &crate::id::RoleId| Some(ruleset.roles.get(id.index())?.key.clone());
            Body::AwaitingDecision { roles: rule.filter_map(role).collect() }
        }
        NoticeWhen::GatesFailed => {
            Body::GatesFailed { findings: vec![Finding { verdict: Verdict::Fail, ..finding() }] }
        }
        NoticeWhen::Reminder => reminder("something of the plan"),
    }
}

fn reminder(what: &str) -> Body {
    Body::Reminder {
        what: what.into(),
        item: Key::new("item"),
        due: Timestamp::default(),
        owner: None,
        groups: Vec::new(),
        until: None,
        skipped: 0,
        missed: false,
        overdue: false,
    }
}
