//! The scorecards of a rollout, judged now.

use rollgate_core::decide::{facts, is_due};
use rollgate_core::judge::{self, Finding, SetVerdict, Streaking, fold_set};
use rollgate_core::report::{Form, Row, RowStatus, Scorecard, Section};
use rollgate_core::snapshot::{Check, Phase};
use rollgate_core::time::Now;

use super::control::Control;

/// The scorecard of the current phase. Nothing moves: streaks are only read.
pub(super) fn of(control: &Control, form: Form, now: Now) -> Scorecard {
    let (ruleset, state) = (&control.ruleset, &control.state);
    let shares = ruleset.flags.iter().zip(&state.shares);
    let mut card = Scorecard {
        form,
        plan: ruleset.title.clone(),
        phase: String::new(),
        status: state.status.name().to_owned(),
        at: now.wall,
        shares: shares.map(|(flag, share)| (flag.key.clone(), share.to_string())).collect(),
        overall: RowStatus::NotYet,
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let (Some(plan), Some(id)) = (&ruleset.plan, state.phase) else { return card };
    let Some(phase) = plan.phases.get(id.index()) else { return card };
    card.phase.clone_from(&phase.title);
    let checked = state.checked_in(id);
    let facts = facts(ruleset, state, id, &state.shares, &checked, now);
    let mut streaks = control.streaks.clone();
    if form != Form::Daily {
        let gates = gates(phase, |gate| {
            judge::judge_gate(gate, &facts, &control.windows, &mut streaks, Streaking::Read)
        });
        let verdict =
            fold_set(gates.iter().filter(|(gate, _)| !gate.is_dry_run).map(|(_, judged)| judged.verdict));
        card.overall = match verdict {
            _ if !is_due(plan, state) => RowStatus::NotYet,
            SetVerdict::Passed => RowStatus::Pass,
            SetVerdict::Failed => RowStatus::Fail,
            SetVerdict::Inconclusive => RowStatus::Inconclusive,
        };
        for (gate, judged) in &gates {
            card.rows.push(Row::of(Section::Gate, &judge::gate_finding(gate, judged, &facts)));
        }
    }
    let mut show = |checks: &[Check]| {
        for check in checks {
            let judged = judge::judge_condition(
                &check.condition,
                &facts,
                &control.windows,
                &mut streaks,
                Streaking::Read,
            );
            let finding: Finding = judge::check_finding(check, &judged, &facts);
            card.rows.push(Row::of(Section::Target, &finding));
        }
    };
    match form {
        Form::Daily => show(&phase.daily),
        Form::Weekly | Form::Final => show(&plan.targets),
        Form::Phase => {}
    }
    if form == Form::Daily {
        card.overall = worst(&card.rows);
    }
    if card.rows.iter().any(|row| row.section == Section::Target) && form != Form::Daily {
        card.notes.push("Rows in brackets are shown and do not decide.".into());
    }
    card
}

fn gates<'a, T>(
    phase: &'a Phase,
    mut judge: impl FnMut(&'a rollgate_core::snapshot::Gate) -> T,
) -> Vec<(&'a rollgate_core::snapshot::Gate, T)> {
    phase.gates.iter().map(|gate| (gate, judge(gate))).collect()
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
