//! What each record owes to whom: the one place that maps the journal to notices.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::announce;
use super::record::{Body, CauseKind, CauseOf, Record};
use super::{Overridden, RolloutState, ShareMap};
use crate::id::Key;
use crate::judge::Finding;
use crate::snapshot::{Notice, NoticeWhen, Part, Phase, Plan, RollbackTarget, Ruleset, Slot, Template};
use crate::time::{Now, Timestamp};

/// A notice written out for one transition, with the channels that it has not reached yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// The message and the transition, the same in every process: `<record>-<its hash>-<message>`.
    pub id: Key,
    /// What it is of, as plans write it.
    pub when: Key,
    /// For whom.
    pub audience: Key,
    /// One line above the text.
    pub subject: Option<Key>,
    /// The text; `{recipient.…}` is left for sinks to fill.
    pub message: Key,
    /// Whether it should wake people.
    pub is_urgent: bool,
    /// It was written after its time.
    pub is_late: bool,
    /// When the transition was, by the calendar.
    pub at: Timestamp,
    /// Observed time at which it was written.
    pub since: Timestamp,
    /// The channels that it is still owed to.
    pub open: Vec<Owed>,
}

/// A delivery that is owed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// Where to.
    pub channel: Key,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the latest attempt failed.
    pub error: Option<Key>,
    /// Observed time at which its channel first failed while it waited; it is tried for so long from then on.
    #[serde(default)]
    pub tried_from: Option<Timestamp>,
    /// An earlier process owed it, and this one has not tried it yet.
    #[serde(skip)]
    pub is_inherited: bool,
}

impl Owed {
    /// A delivery that nobody has tried.
    pub(super) fn to(channel: Key) -> Self {
        Self { channel, attempts: 0, error: None, tried_from: None, is_inherited: false }
    }
}

/// What a transition is known by.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The record's number, and the beginning of its hash.
    pub name: &'a str,
    /// When it was.
    pub now: Now,
}

/// The letters that a record owes. The state is the one after the transition.
pub fn owed(ruleset: &Ruleset, state: &mut RolloutState, record: &Record, source: Source<'_>) -> Vec<Letter> {
    let Some(plan) = &ruleset.plan else { return Vec::new() };
    if plan.notices.is_empty() {
        return Vec::new();
    }
    let phase = record.phase.and_then(|phase| plan.phases.get(phase.index()));
    let next = record.phase.and_then(|phase| plan.phases.get(phase.index() + 1));
    let due: fn(NoticeWhen) -> bool = match &record.body {
        Body::PhaseStarted { .. } => |when| when == NoticeWhen::PhaseStarted,
        // Before an open phase the rollout is completed, and says so.
        Body::PhasePassed {} if next.is_some_and(|next| next.duration.is_some()) => {
            |when| when == NoticeWhen::PhasePassed
        }
        Body::Completed {} => |when| when == NoticeWhen::Completed,
        Body::RolledBack { .. } => |when| when == NoticeWhen::RolledBack,
        Body::Stopped { .. } => |when| when == NoticeWhen::Stopped,
        Body::Proposal { .. } => |when| when == NoticeWhen::Proposal,
        Body::AwaitingDecision { .. } => |when| when == NoticeWhen::AwaitingDecision,
        Body::RollbackIneffective { .. } => |when| when == NoticeWhen::RollbackIneffective,
        Body::GatesFailed { .. } if is_first_failure(state) => |when| when == NoticeWhen::GatesFailed,
        // Nobody is asked where there is no decision: that the rollout stands still must be said.
        Body::GatesInconclusive { .. }
            if phase.is_some_and(|phase| phase.decision.is_none()) && is_first_failure(state) =>
        {
            |when| when == NoticeWhen::GatesFailed
        }
        Body::Reminder { .. } => |when| when == NoticeWhen::Reminder,
        _ => return Vec::new(),
    };
    let over = match &record.body {
        Body::PhasePassed {} | Body::Completed {} => {
            state.after.overridden.iter().find(|passed| Some(passed.phase) == record.phase)
        }
        _ => None,
    };
    let scene = Scene { ruleset, plan, phase, next, body: Some(&record.body), over, state };
    let notices = plan.notices.iter().filter(|notice| due(notice.when));
    notices.map(|notice| scene.write(notice, source, announce::Punctuality::OnTime)).collect()
}

/// Whether no failure of the gates has been told since the phase began or was extended.
fn is_first_failure(state: &mut RolloutState) -> bool {
    let is_first = state.outbox.failed_from != Some(state.phase_from);
    state.outbox.failed_from = Some(state.phase_from);
    is_first
}

/// A letter of the calendar, which has no record behind it.
pub(super) fn of_calendar(
    ruleset: &Ruleset,
    plan: &Plan,
    state: &RolloutState,
    notice: &Notice,
    source: Source<'_>,
    punctuality: announce::Punctuality,
) -> Letter {
    let phase = state.phase.and_then(|phase| plan.phases.get(phase.index()));
    Scene { ruleset, plan, phase, next: None, body: None, over: None, state }.write(
        notice,
        source,
        punctuality,
    )
}

/// A letter of a record that was never written.
pub(super) fn of_sample(
    ruleset: &Ruleset,
    plan: &Plan,
    state: &RolloutState,
    notice: &Notice,
    body: &Body,
    source: Source<'_>,
) -> Letter {
    let at = |ahead: usize| plan.phases.get(state.phase?.index() + ahead);
    let scene = Scene { ruleset, plan, phase: at(0), next: at(1), body: Some(body), over: None, state };
    scene.write(notice, source, announce::Punctuality::OnTime)
}

/// What fills placeholders.
struct Scene<'a> {
    ruleset: &'a Ruleset,
    plan: &'a Plan,
    phase: Option<&'a Phase>,
    next: Option<&'a Phase>,
    body: Option<&'a Body>,
    /// How the phase was passed, where it was by an override.
    over: Option<&'a Overridden>,
    state: &'a RolloutState,
}

impl Scene<'_> {
    fn write(&self, notice: &Notice, source: Source<'_>, punctuality: announce::Punctuality) -> Letter {
        let subject = notice.subject.as_ref().map(|subject| {
            // What is measured or written elsewhere must not end the header.
            let by = if self.over.is_some() { " (by override)" } else { "" };
            Key::new(self.fill(subject).replace(|c: char| c.is_control(), " ") + by)
        });
        // A plan's words are of a success; that it was none by the gates must not depend on who wrote them.
        let by = self
            .over
            .map_or_else(String::new, |over| format!("\nPassed by override of {}: {}", over.by, over.why));
        let open = |channel: &Key| Owed::to(channel.clone());
        Letter {
            id: Key::new(format!("{}-{}", source.name, notice.key)),
            when: Key::new(notice.when.name()),
            audience: notice.audience.clone(),
            subject,
            message: Key::new(self.fill(&notice.message) + &by),
            is_urgent: notice.is_urgent,
            is_late: punctuality == announce::Punctuality::Late,
            at: source.now.wall,
            since: source.now.observed,
            open: notice.channels.iter().map(open).collect(),
        }
    }

    fn fill(&self, template: &Template) -> String {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Slot(slot) => text.push_str(&self.slot(slot)),
            }
        }
        text
    }

    fn slot(&self, slot: &Slot) -> String {
        let title = |phase: Option<&Phase>| phase.map_or_else(String::new, |phase| phase.title.clone());
        let key = |phase: Option<&Phase>| phase.map_or_else(String::new, |phase| phase.key.to_string());
        match slot {
            Slot::Title => self.ruleset.title.clone(),
            Slot::Name => self.ruleset.name.to_string(),
            Slot::Date => announce::day(self.ruleset, self.plan.date),
            Slot::Start => announce::moment(self.ruleset, announce::planned_exposure(self.plan)),
            Slot::PhaseTitle => title(self.phase),
            Slot::PhaseId => key(self.phase),
            Slot::NextTitle => title(self.next),
            Slot::NextId => key(self.next),
            Slot::To => self.to().map_or_else(String::new, |to| to.to_string()),
            Slot::ToTitle => self.to_title(),
            Slot::Shares => self.shares(),
            Slot::Cause => self.cause(),
            Slot::Trigger => match self.body {
                Some(Body::Proposal { trigger, .. } | Body::RollbackIneffective { trigger, .. }) => {
                    trigger.to_string()
                }
                _ => String::new(),
            },
            Slot::Evidence => self.evidence(),
            Slot::Roles => match self.body {
                Some(Body::AwaitingDecision { roles }) => joined(roles),
                _ => String::new(),
            },
            Slot::Status => self.state.status.name().replace('_', " "),
            Slot::What => match self.body {
                Some(Body::Reminder { what, .. }) => what.clone(),
                _ => String::new(),
            },
            Slot::Recipient(field) => format!("{{recipient.{field}}}"),
        }
    }

    /// Where a rollback went, or where the proposed one would go.
    fn to(&self) -> Option<&Key> {
        match self.body? {
            Body::RolledBack { to, .. } => Some(to),
            Body::Proposal { trigger, .. } => Some(&self.rule(trigger)?.rollback.name),
            _ => None,
        }
    }

    fn rule(&self, trigger: &Key) -> Option<&crate::snapshot::Trigger> {
        let live = self.phase.into_iter().chain(&self.plan.phases);
        live.flat_map(|phase| &phase.triggers).find(|rule| rule.key == *trigger)
    }

    fn to_title(&self) -> String {
        let Some(to) = self.to() else { return String::new() };
        if let Some(phase) = self.plan.phases.iter().find(|phase| phase.key == *to) {
            return phase.title.clone();
        }
        match self.body {
            _ if *to == "zero" => "0% (everything off)".into(),
            Some(Body::RolledBack { triggers, .. }) => self.lowered(triggers),
            Some(Body::Proposal { trigger, .. }) => self.lowered(std::slice::from_ref(trigger)),
            _ => to.to_string(),
        }
    }

    /// The flags that `set` rollbacks lower.
    fn lowered(&self, triggers: &[Key]) -> String {
        let mut text = String::new();
        for rule in triggers.iter().filter_map(|trigger| self.rule(trigger)) {
            let RollbackTarget::Set(set) = &rule.rollback.target else { continue };
            for (flag, share) in set {
                listed(&mut text, &format!("{} {share}", self.ruleset.flag(*flag).key));
            }
        }
        text
    }

    fn shares(&self) -> String {
        let shares = match self.body {
            Some(Body::RolledBack { shares, .. }) => shares.clone(),
            _ => ShareMap::all(self.ruleset, &self.state.shares),
        };
        let mut text = String::new();
        for (flag, share) in &shares.0 {
            listed(&mut text, &format!("{flag} {share}"));
        }
        text
    }

    fn cause(&self) -> String {
        match self.body {
            Some(Body::RolledBack { triggers, .. }) if triggers.len() > 1 => {
                format!("triggers {}", joined(triggers))
            }
            Some(Body::RolledBack { cause: CauseOf { kind: CauseKind::Trigger, name }, .. }) => {
                format!("trigger {name}")
            }
            Some(Body::RolledBack { cause, .. }) => format!("a decision of {}", cause.name),
            Some(Body::Stopped { by, reason }) if reason.is_empty() => by.to_string(),
            Some(Body::Stopped { by, reason }) => format!("{by}: {reason}"),
            _ => String::new(),
        }
    }

    fn evidence(&self) -> String {
        match self.body {
            Some(Body::Proposal { finding, .. } | Body::RollbackIneffective { finding, .. }) => {
                finding.sentence.clone()
            }
            Some(Body::GatesFailed { findings } | Body::GatesInconclusive { findings }) => {
                let is_open = |finding: &&Finding| {
                    !finding.is_dry_run
                        && !finding.verdict.is_passing()
                        && finding.verdict.name() != "SKIPPED"
                };
                let mut text = String::new();
                for finding in findings.iter().filter(is_open) {
                    if !text.is_empty() {
                        text.push_str("; ");
                    }
                    // Writing to a string cannot fail.
                    let _ =
                        write!(text, "{} is {} ({})", finding.key, finding.verdict.name(), finding.sentence);
                }
                text
            }
            _ => String::new(),
        }
    }
}

fn listed(text: &mut String, item: &str) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    text.push_str(item);
}

fn joined(keys: &[Key]) -> String {
    keys.iter().map(Key::as_str).collect::<Vec<_>>().join(", ")
}
