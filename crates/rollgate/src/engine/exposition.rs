//! What a Prometheus server reads: shares, statuses and verdicts as gauges, metrics in base units.

use rollgate_core::decide::Status;
use rollgate_core::id::MetricId;
use rollgate_core::report::prometheus::{Exposition, FamilyKind, base_of, name_of};
use rollgate_core::report::{Form, RowStatus, Section};
use rollgate_core::snapshot::{Metric, MetricKind, Severity, Stat};
use rollgate_core::time::{Now, Span};

use super::control::Control;
use super::scorecard;
use FamilyKind::{Counter, Gauge};

/// How far back values look.
const OVER: Span = Span::minutes(5);

const STATUSES: [Status; 7] = [
    Status::Pending,
    Status::Running,
    Status::AwaitingDecision,
    Status::Paused,
    Status::RolledBack,
    Status::Completed,
    Status::Stopped,
];

const ROW_STATUSES: [RowStatus; 6] = [
    RowStatus::Pass,
    RowStatus::Warn,
    RowStatus::Fail,
    RowStatus::Inconclusive,
    RowStatus::Skipped,
    RowStatus::NotYet,
];

/// The whole exposition.
pub(super) fn of(control: &Control, now: Now) -> Exposition {
    let mut out = Exposition::new();
    let (ruleset, state) = (&control.ruleset, &control.state);
    let plan = ruleset.name.as_str();
    for (flag, share) in ruleset.flags.iter().zip(&state.shares) {
        let family = ("rollgate_flag_share_ratio", Gauge, "The part of all subjects that a flag is on for.");
        out.add(family, &[("flag", flag.key.as_str())], flag.shown(*share).fraction());
    }
    for status in STATUSES {
        let family = ("rollgate_rollout_status", Gauge, "1 for the status that the rollout has, else 0.");
        let labels = [("plan", plan), ("status", status.name())];
        out.add(family, &labels, flag(status == state.status));
    }
    for (index, phase) in ruleset.plan.iter().flat_map(|plan| plan.phases.iter().enumerate()) {
        let family = ("rollgate_rollout_phase", Gauge, "1 for the phase that the rollout is in, else 0.");
        let is_here = state.phase.is_some_and(|id| id.index() == index);
        out.add(family, &[("plan", plan), ("phase", phase.key.as_str())], flag(is_here));
    }
    verdicts(control, &mut out, now);
    for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
        let family = ("rollgate_alerts_open", Gauge, "Alerts that are open.");
        out.add(family, &[("severity", severity.name())], control.windows.alerts_open(severity) as f64);
    }
    let family = ("rollgate_rollbacks_total", Counter, "Rollbacks since the engine was opened.");
    out.add(family, &[("plan", plan)], control.windows.rollbacks() as f64);
    for (index, metric) in ruleset.metrics.iter().enumerate() {
        one(control, &mut out, MetricId(index as u16), metric, now);
    }
    for (metric, count) in control.windows.drops() {
        let family = ("rollgate_dropped_samples_total", Counter, "Samples that were dropped or invalid.");
        let name = metric.as_ref().map_or("unknown", |metric| metric.as_str());
        out.add(family, &[("metric", name)], count as f64);
    }
    out
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// What the rows of the scorecard say: 1 for the status that a row has.
fn verdicts(control: &Control, out: &mut Exposition, now: Now) {
    let card = scorecard::of(control, Form::Weekly, now);
    let daily = scorecard::of(control, Form::Daily, now);
    let rows = card.rows.iter().map(|row| match row.section {
        Section::Gate => {
            ("rollgate_gate_status", "1 for the status that a gate of the phase has, else 0.", row)
        }
        Section::Target => ("rollgate_target_status", "1 for the status that a target has, else 0.", row),
    });
    let daily = daily
        .rows
        .iter()
        .map(|row| ("rollgate_daily_status", "1 for the status that a daily row has, else 0.", row));
    for (name, help, row) in rows.chain(daily) {
        for status in ROW_STATUSES {
            let word = status.name().to_lowercase().replace(' ', "_");
            let labels = [("name", row.metric.as_str()), ("status", word.as_str())];
            out.add((name, Gauge, help), &labels, flag(row.status == status));
        }
    }
}

/// One metric: what it measures over five minutes, and how often it was recorded. Without data there is no sample.
fn one(control: &Control, out: &mut Exposition, id: MetricId, metric: &Metric, now: Now) {
    let key = name_of(metric.key.as_str());
    let help =
        if metric.description.is_empty() { metric.key.to_string() } else { metric.description.clone() };
    let total = control.windows.totals(id).recorded as f64;
    let own = [("metric", metric.key.as_str())];
    if metric.kind == MetricKind::Event {
        out.add((&format!("rollgate_{key}_total"), Counter, &help), &own, total);
        return;
    }
    let (unit, times) = base_of(metric.unit);
    // A ratio is a fraction inside already.
    let times = if metric.kind == MetricKind::Ratio { 1.0 } else { times };
    let name = format!("rollgate_{key}_{unit}");
    let stats: &[(Stat, Span)] = match metric.kind {
        MetricKind::Distribution => &[
            (Stat::Quantile(0.5), OVER),
            (Stat::Quantile(0.95), OVER),
            (Stat::Quantile(0.99), OVER),
            (Stat::Mean, OVER),
        ],
        MetricKind::Ratio => &[(Stat::Fraction, OVER)],
        MetricKind::Gauge => &[(Stat::Last, metric.max_gap)],
        MetricKind::Score => &[(Stat::Nps, metric.max_gap)],
        MetricKind::Event => &[],
    };
    let standing = control.standing(now);
    for (stat, over) in stats {
        let Some(value) = standing.value(id, *stat, *over) else { continue };
        let (stat, over) = (stat.to_string(), over.to_string());
        let labels = [own[0], ("stat", stat.as_str()), ("over", over.as_str())];
        out.add((&name, Gauge, &help), &labels, value * times);
    }
    let counted = format!("rollgate_{key}_samples_total");
    out.add((&counted, Counter, "Samples since the engine was opened."), &own, total);
}
