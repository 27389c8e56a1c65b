//! The scorecards of a rollout, judged now.

use rollgate_core::decide::{Status, facts, is_due, remaining};
use rollgate_core::judge::{self, Cause, Facts, Judgement, SetVerdict, Streaking, Verdict, fold_set};
use rollgate_core::report::{self, Form, Row, RowStatus, Scorecard, Section};
use rollgate_core::snapshot::{AlertRule, Condition, ConditionKind, Phase, Plan, Window};
use rollgate_core::time::{Now, Span, Timestamp};

use super::aftermath;
use super::calendar;
use super::control::Control;
use super::log::Later;
use super::week;

/// The scorecard of the current phase, with what the journal says of the week.
pub(super) fn whole(control: &Control, form: Form, now: Now) -> Later<Scorecard> {
    let mut card = of(control, form, now);
    let has_phase = control.standing(now).phase().is_some();
    let week = (form == Form::Weekly && has_phase).then(|| week::tables(control, now));
    Box::new(move || {
        card.tables.extend(week.into_iter().flat_map(|tables| tables()));
        card
    })
}

/// The scorecard of the current phase, without what the journal says. Nothing moves: streaks are only read.
pub(super) fn of(control: &Control, form: Form, now: Now) -> Scorecard {
    let (ruleset, state) = (&control.ruleset, &control.state);
    let shares = ruleset.flags.iter().zip(&state.shares);
    let mut card = Scorecard {
        form,
        plan: ruleset.title.clone(),
        about: ruleset.about.clone(),
        phase: String::new(),
        objectives: Vec::new(),
        status: state.status.name().to_owned(),
        at: now.wall,
        timezone: ruleset.timezone.clone(),
        shares: shares.map(|(flag, share)| (flag.key.clone(), flag.shown(*share).to_string())).collect(),
        overall: RowStatus::NotYet,
        due: None,
        rows: Vec::new(),
        notes: Vec::new(),
        tables: Vec::new(),
    };
    let current = ruleset.plan.as_ref().zip(state.phase);
    let Some((plan, id, phase)) =
        current.and_then(|(plan, id)| Some((plan, id, plan.phases.get(id.index())?)))
    else {
        return card;
    };
    card.phase.clone_from(&phase.title);
    let checked = state.checked_in(id);
    let facts = facts(ruleset, state, id, &state.shares, &checked, now);
    let judged =
        Judged { control, facts, due: due_of(control, plan, now), is_open: phase.duration.is_none() };
    if form != Form::Daily {
        card.objectives.clone_from(&phase.objectives);
        judged.gates(phase, &mut card);
        card.due = judged.due.filter(|due| *due > now.wall);
        card.notes.extend(note_of(control, plan, phase));
    }
    match form {
        Form::Daily => judged.checks(&phase.daily, &mut card),
        Form::Weekly | Form::Final => judged.checks(&phase.targets, &mut card),
        Form::Phase => {}
    }
    if form == Form::Daily {
        card.overall = worst(&card.rows);
    }
    card.notes.extend(calendar::notes(control, now));
    card.notes.extend(aftermath::notes(control, form, now));
    let standing = control.standing(now);
    card.tables.extend(report::arms(&standing).filter(|_| control.state.has_been_exposed));
    card
}

/// When the gate set is due, by the calendar, if everything is watched until then.
fn due_of(control: &Control, plan: &Plan, now: Now) -> Option<Timestamp> {
    let runs = matches!(control.state.status, Status::Running | Status::AwaitingDecision);
    let wait = remaining(plan, &control.state).filter(|_| runs)?;
    Some(now.wall + wait)
}

/// Why time alone does not make the gates due.
fn note_of(control: &Control, plan: &Plan, phase: &Phase) -> Option<String> {
    let state = &control.state;
    match state.status {
        Status::RolledBack | Status::Stopped => Some(format!(
            "The rollout is {}; nothing is decided until a retry.",
            state.status.name().replace('_', " ")
        )),
        Status::Paused => Some("The rollout is paused; its clocks stand still.".into()),
        Status::Running if remaining(plan, state).is_none() => {
            Some(format!("{} of {} steps have been applied.", state.step, phase.steps.len()))
        }
        _ => None,
    }
}

/// What the rows are judged on.
struct Judged<'a> {
    control: &'a Control,
    facts: Facts<'a>,
    /// When the gate set is due, by the calendar.
    due: Option<Timestamp>,
    /// The phase has no end of its own: it is judged from its first day, and waits for people as for time.
    is_open: bool,
}

impl Judged<'_> {
    fn judge(&self, condition: &Condition) -> Judgement {
        let mut streaks = self.control.streaks.clone();
        let windows = &self.control.windows;
        judge::judge_condition(condition, &self.facts, windows, &mut streaks, Streaking::Read)
    }

    fn gates(&self, phase: &Phase, card: &mut Scorecard) {
        let mut verdicts = Vec::with_capacity(phase.gates.len());
        for gate in &phase.gates {
            let judgement = self.judge(&gate.condition);
            let finding = judge::gate_finding(gate, &judgement, &self.facts);
            let section = if gate.is_dry_run { Section::Target } else { Section::Gate };
            if section == Section::Gate {
                verdicts.push(judgement.verdict);
            }
            let due = self.due.max(self.full(&gate.condition));
            let members = judge::member_findings(&gate.condition, &judgement, &self.facts);
            let row = Row::of(section, finding).with_parts(members);
            card.rows.push(self.told(row, judgement.verdict, due));
        }
        let state = &self.control.state;
        let is_told = state.status == Status::Completed
            || self.facts.ruleset.plan.as_ref().is_some_and(|plan| is_due(plan, state));
        card.overall = match fold_set(verdicts.into_iter()) {
            _ if !is_told => RowStatus::NotYet,
            SetVerdict::Passed => RowStatus::Pass,
            SetVerdict::Failed => RowStatus::Fail,
            // An open phase is judged from its first day; what only waits for time to pass is not yet told.
            SetVerdict::Inconclusive if waits(&card.rows) => RowStatus::NotYet,
            SetVerdict::Inconclusive => RowStatus::Inconclusive,
        };
    }

    fn checks(&self, checks: &[rollgate_core::snapshot::Check], card: &mut Scorecard) {
        for check in checks {
            let judgement = self.judge(&check.condition);
            let finding = judge::check_finding(check, &judgement, &self.facts);
            let members = judge::member_findings(&check.condition, &judgement, &self.facts);
            let row = Row::of(Section::Target, finding).with_parts(members);
            card.rows.push(self.told(row, judgement.verdict, self.full(&check.condition)));
        }
    }

    /// A row that time or people will still make conclusive is not yet told; one that lacks data is inconclusive.
    fn told(&self, row: Row, verdict: Verdict, due: Option<Timestamp>) -> Row {
        let now = self.facts.now.wall;
        let runs = matches!(self.control.state.status, Status::Running | Status::AwaitingDecision);
        let due = due.filter(|due| runs && *due > now);
        match verdict {
            Verdict::Inconclusive(Cause::NotYet) => row.not_yet(due),
            Verdict::Inconclusive(Cause::Unattested) if self.is_open => row.not_yet(due),
            Verdict::Inconclusive(
                Cause::Coverage | Cause::TooFewSamples | Cause::Undecided | Cause::Unattested,
            ) if due.is_some() => row.not_yet(due),
            _ => row,
        }
    }

    /// When the longest window of a condition is full, counted from the start of the phase.
    fn full(&self, condition: &Condition) -> Option<Timestamp> {
        let mut longest = Span::ZERO;
        let mut wait = Span::ZERO;
        condition.walk(&mut |leaf| match &leaf.kind {
            ConditionKind::Measure(measure) => longest = longest.max(span(measure.query.window)),
            ConditionKind::Trend(trend) => longest = longest.max(span(trend.window)),
            ConditionKind::Alerts(_, rule) => longest = longest.max(span_of_alerts(rule)),
            ConditionKind::PhaseFor(asked) => wait = wait.max(*asked - self.facts.phase_watched),
            _ => {}
        });
        let now = self.facts.now;
        [now.wall_of(self.facts.phase_from) + longest, now.wall + wait].into_iter().max()
    }
}

const fn span(window: Window) -> Span {
    match window {
        Window::Over(span) => span,
        Window::Latest(_) | Window::Phase => Span::ZERO,
    }
}

const fn span_of_alerts(rule: &AlertRule) -> Span {
    match rule {
        AlertRule::Count { within: span, .. } | AlertRule::QuietFor(span) | AlertRule::OpenFor(span) => *span,
    }
}

/// Whether every deciding row that is not told yet only waits.
fn waits(rows: &[Row]) -> bool {
    let mut gates = rows.iter().filter(|row| row.section == Section::Gate);
    gates.all(|row| row.status != RowStatus::Inconclusive)
}

/// The worst of the rows: what a person looks at first in the morning.
fn worst(rows: &[Row]) -> RowStatus {
    let rank = |status: RowStatus| match status {
        RowStatus::Fail => 5,
        RowStatus::Inconclusive => 4,
        RowStatus::NotYet => 3,
        RowStatus::Warn => 2,
        RowStatus::Pass => 1,
        RowStatus::Skipped => 0,
    };
    rows.iter().map(|row| row.status).max_by_key(|status| rank(*status)).unwrap_or(RowStatus::Skipped)
}
