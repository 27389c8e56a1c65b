//! A few plain lines for the morning: how it stands, what the daily rows say, what happened overnight.

use rollgate_core::decide::{Status, remaining};
use rollgate_core::report::{self, Form, RowStatus, local};
use rollgate_core::time::{Now, Span, Timestamp};

use super::control::Control;
use super::log::Later;
use super::{log, scorecard, week};
use crate::journal::Journal;

/// The end of a day's work, where nobody says otherwise: 17:00.
pub(super) const EVENING: u16 = 17 * 60;
/// The morning review, where the plan has no `daily.at`: 09:00.
pub(super) const MORNING: u16 = 9 * 60;

/// From the last evening to the last morning before `now`, in the plan's zone.
pub(super) fn night(control: &Control, evening: u16, morning: u16, now: Now) -> (Timestamp, Timestamp) {
    let zone = control.ruleset.timezone.as_str();
    let to = local::latest(zone, morning, now.wall);
    let from = local::latest(zone, evening, Timestamp(to.0.saturating_sub(1)));
    (from, to)
}

/// The hour of the morning review.
pub(super) fn morning(control: &Control) -> u16 {
    control.ruleset.plan.as_ref().and_then(|plan| plan.daily.at_minute).unwrap_or(MORNING)
}

/// The summary, one statement a line.
pub(super) fn lines(control: &Control, now: Now) -> Later<Vec<String>> {
    let standing = control.standing(now);
    let card = scorecard::of(control, Form::Daily, now);
    let zone = control.ruleset.timezone.clone();
    let at = local::calendar(zone.as_str(), now.wall);
    let mut lines = vec![format!("{}, {at}.", control.ruleset.title), stands(control, now)];
    lines.push(rows(&card));
    let (from, to) = night(control, EVENING, morning(control), now);
    let contrasts = rollgate_core::judge::contrasts(&control.ruleset, &control.windows, now.wall);
    let said: Vec<String> = contrasts.iter().filter_map(|row| report::in_words(&standing, row)).collect();
    let journal = control.journal.clone();
    Box::new(move || {
        let zone = zone.as_str();
        lines.push(format!(
            "Overnight ({} to {}): {}",
            local::calendar(zone, from),
            local::calendar(zone, to),
            log::alerts_between(&journal, from, to).words()
        ));
        lines.push(done(&journal, now));
        if !said.is_empty() {
            lines.push(format!("ON against OFF: {}.", said.join("; ")));
        }
        lines
    })
}

/// `Phase 1: 10% Rollout, running, day 3 of 7; USE_X 10%; gates due Tue …`.
fn stands(control: &Control, now: Now) -> String {
    let state = &control.state;
    let status = state.status.name().replace('_', " ");
    let Some((plan, phase)) =
        control.ruleset.plan.as_ref().zip(state.phase).map(|(plan, id)| (plan, plan.phase(id)))
    else {
        return format!("The rollout is {status}.");
    };
    let day = (state.clock - state.phase_clock).0 / Span::days(1).0 + 1;
    let of = phase.duration.map_or_else(String::new, |span| format!(" of {}", span.as_days().ceil()));
    let shares = control.ruleset.flags.iter().zip(&state.shares);
    let shares: Vec<String> =
        shares.map(|(flag, share)| format!("{} {}", flag.key, flag.shown(*share))).collect();
    let due = match (state.status, remaining(plan, state)) {
        (Status::Running, Some(wait)) if wait > Span::ZERO => {
            let at = local::calendar(control.ruleset.timezone.as_str(), now.wall + wait);
            format!(" Its gates are due {at}.")
        }
        (Status::AwaitingDecision, _) => " It awaits a decision.".to_owned(),
        _ => String::new(),
    };
    format!("{}: {status}, day {day}{of}; {}.{due}", phase.title, shares.join(", "))
}

/// `Daily rows: 3 PASS, 1 WARN. WARN heap: 460 MB (max < 500 MB (1d)).`
fn rows(card: &report::Scorecard) -> String {
    if card.rows.is_empty() {
        return "There are no daily rows.".into();
    }
    let all = [
        RowStatus::Pass,
        RowStatus::Warn,
        RowStatus::Fail,
        RowStatus::Inconclusive,
        RowStatus::NotYet,
        RowStatus::Skipped,
    ];
    let count = |status: &RowStatus| card.rows.iter().filter(|row| row.status == *status).count();
    let counts: Vec<String> = all
        .iter()
        .filter(|status| count(status) > 0)
        .map(|status| format!("{} {}", count(status), status.name()))
        .collect();
    let odd = card.rows.iter().filter(|row| !matches!(row.status, RowStatus::Pass | RowStatus::Skipped));
    let odd: Vec<String> = odd
        .map(|row| format!(" {} {}: {} (wanted {}).", row.status.name(), row.metric, row.actual, row.target))
        .collect();
    format!("Daily rows: {}.{}", counts.join(", "), odd.concat())
}

/// What was done since this time yesterday.
fn done(journal: &Journal, now: Now) -> String {
    let kinds = [
        "rolled_back",
        "trigger_fired",
        "proposal",
        "override",
        "decided",
        "stopped",
        "retried",
        "annotated",
    ];
    let from = now.wall - Span::days(1);
    let said: Vec<String> = log::records(journal, &kinds)
        .filter(|record| record.at >= from)
        .map(|record| {
            let (what, by, _) = week::words(&record);
            if by.is_empty() || by == "rollgate" { what } else { format!("{what} (by {by})") }
        })
        .collect();
    if said.is_empty() {
        "Since yesterday: no rollback, no override, no decision.".into()
    } else {
        format!("Since yesterday: {}.", said.join("; "))
    }
}
