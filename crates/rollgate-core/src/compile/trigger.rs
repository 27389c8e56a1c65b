//! What goes back, and who says so: triggers, rollbacks, decisions, contingencies.

use super::condition::{Names, Use, condition, roles};
use super::flags::unknown;
use super::phase::{Here, item_len, set};
use super::reader::{Item, Reader};
use crate::id::{Key, PhaseId};
use crate::limits::CONDITIONS_MAX;
use crate::snapshot::{
    Condition, ConditionKind, Contingency, DecisionRule, MetricKind, RollbackTarget, RollbackTo, Subject,
    Trigger, TriggerMode, TriggerSeverity, Window,
};
use crate::time::Span;

/// The target of a name: zero, or an earlier phase whose shares are lower.
fn lower(reader: &mut Reader, here: &Here<'_>, item: &Item<'_>) -> Option<RollbackTo> {
    let to = target(reader, here, item)?;
    let is_lower = match &to.target {
        // Below it is nothing, and an operator may have raised a flag in any phase.
        RollbackTarget::Zero => true,
        RollbackTarget::Phase(id) => {
            let target = &here.before.phases[id.index()].last_shares;
            here.shares.iter().zip(target).any(|(now, then)| now > then)
        }
        RollbackTarget::Set(_) => true,
    };
    if !is_lower && is_known(reader) {
        reader.error_help(
            "target-not-lower",
            &item.path,
            item.at(),
            format_args!("`{}` has the shares of this phase, so there is nothing to roll back", to.name),
            "roll back to a phase with lower shares, or to zero",
        );
    }
    Some(to)
}

/// Whether the shares say something: a step that was not understood leaves them as they were.
fn is_known(reader: &Reader) -> bool {
    !reader.problems.iter().any(|problem| problem.path.contains(".steps["))
}

/// The target of a name: zero, or an earlier phase.
fn target(reader: &mut Reader, here: &Here<'_>, item: &Item<'_>) -> Option<RollbackTo> {
    let before = here.before;
    let name = reader.text(item)?;
    let target = if name == "zero" {
        Some(RollbackTarget::Zero)
    } else {
        before
            .phases
            .iter()
            .position(|phase| phase.key == *name.as_str())
            .map(|index| RollbackTarget::Phase(PhaseId(index as u16)))
    };
    if target.is_none() {
        if before.all.contains(&name) {
            reader.error_help(
                "target-not-lower",
                &item.path,
                item.at(),
                format_args!("`{name}` is not an earlier phase"),
                "roll back to zero, or to a phase before this one",
            );
        } else {
            let known = before.phases.iter().map(|phase| phase.key.as_str()).chain(["zero"]);
            unknown(reader, "unknown-phase", "earlier phase", item, &name, known);
        }
    }
    Some(RollbackTo { name: Key::new(name.as_str()), target: target? })
}

/// Compiles one trigger.
pub(super) fn trigger(
    reader: &mut Reader,
    names: &mut Names<'_>,
    here: &Here<'_>,
    key: &str,
    item: &Item<'_>,
    decision: Option<&DecisionRule>,
) -> Option<Trigger> {
    let mut map = reader.map(item, "a map with when and rollback")?;
    let mode = map.take("mode").map_or(Some(TriggerMode::Automatic), |item| {
        reader.word(&item, &[("automatic", TriggerMode::Automatic), ("manual", TriggerMode::Manual)])
    });
    let severity = map.take("severity").and_then(|item| {
        let words = [("critical", TriggerSeverity::Critical), ("degraded", TriggerSeverity::Degraded)];
        reader.word(&item, &words)
    });
    let when_item = map.take("when");
    let when = match &when_item {
        Some(item) => condition(reader, names, item, Use::Trigger, 0),
        None => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                format_args!("trigger `{key}` does not say when it fires"),
                "add `when:` with a condition",
            );
            None
        }
    };
    let rollback = match map.take("rollback") {
        Some(item) => rollback(reader, names, here, &item),
        None => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                format_args!("trigger `{key}` does not say where it rolls back to"),
                "add `rollback: { to: zero }`",
            );
            None
        }
    };
    let approve_by = roles(reader, names.roles, map.take("approve_by"));
    let settle = map.take("settle").and_then(|item| reader.span(&item, Span::seconds(1)));
    let is_dry_run = map.take("dry_run").and_then(|item| reader.flag(&item)).unwrap_or(false);
    reader.close(map);
    let (mode, when, rollback) = (mode?, when?, rollback?);
    let (sustained, window) = spans(&when);
    Some(Trigger {
        key: Key::new(key),
        mode,
        severity,
        rollback,
        approve_by: if approve_by.is_empty() {
            decision.map_or_else(Vec::new, |rule| rule.roles.clone())
        } else {
            approve_by
        },
        settle: settle.unwrap_or(Span::minutes(5).max(sustained)),
        is_dry_run,
        is_at_once: is_at_once(names, &when),
        lapse: if sustained > Span::ZERO { sustained } else { window },
        when,
    })
}

/// The longest `for`, and the longest window.
fn spans(condition: &Condition) -> (Span, Span) {
    let (mut sustained, mut window) = (Span::ZERO, Span::ZERO);
    condition.walk(&mut |inner| match &inner.kind {
        ConditionKind::Measure(measure) => {
            sustained = sustained.max(measure.sustained.map_or(Span::ZERO, |sustained| sustained.span));
            if let Window::Over(span) | Window::Latest(span) = measure.query.window {
                window = window.max(span);
            }
        }
        ConditionKind::Trend(trend) => {
            if let Window::Over(span) | Window::Latest(span) = trend.window {
                window = window.max(span);
            }
        }
        ConditionKind::Alerts(_, rule) => match *rule {
            crate::snapshot::AlertRule::Count { within: span, .. }
            | crate::snapshot::AlertRule::QuietFor(span)
            | crate::snapshot::AlertRule::OpenFor(span) => window = window.max(span),
        },
        _ => {}
    });
    (sustained, window)
}

/// Whether the condition is judged inside the recording call too: what it measures is events, alerts and gauges, without
/// `for`. Facts of the rollout beside them are at hand anyway.
fn is_at_once(names: &Names<'_>, condition: &Condition) -> bool {
    let (mut is_fast, mut has_measured) = (true, false);
    condition.walk(&mut |inner| match &inner.kind {
        ConditionKind::Measure(measure) => {
            let is_recorded = match measure.query.subject {
                Subject::Rollbacks => true,
                Subject::Metric(id) => {
                    matches!(names.metrics[id.index()].kind, MetricKind::Event | MetricKind::Gauge)
                }
            };
            is_fast &= is_recorded && measure.sustained.is_none();
            has_measured = true;
        }
        ConditionKind::Alerts(..) => has_measured = true,
        ConditionKind::Trend(_) | ConditionKind::Compare(_) => is_fast = false,
        _ => {}
    });
    is_fast && has_measured
}

fn rollback(reader: &mut Reader, names: &Names<'_>, here: &Here<'_>, item: &Item<'_>) -> Option<RollbackTo> {
    let mut map = reader.map(item, "a map with `to` or `set`")?;
    let (to, set_item) = (map.take("to"), map.take("set"));
    let rollback = match (to, set_item) {
        (Some(to), None) => lower(reader, here, &to),
        (None, Some(set_item)) => {
            let set = set(reader, names, &set_item);
            // A rollback never raises a flag: a share above the phase's own is a slip.
            let raises = set.iter().any(|(flag, share)| *share > here.shares[flag.index()]);
            let lowers = set.iter().any(|(flag, share)| *share < here.shares[flag.index()]);
            if !set.is_empty() && (raises || !lowers) && is_known(reader) {
                reader.error_help(
                    "target-not-lower",
                    &set_item.path,
                    set_item.at(),
                    "a rollback lowers flags below the phase's own shares, and raises none",
                    "set at least one flag lower, and none higher",
                );
            }
            Some(RollbackTo { name: Key::new("set"), target: RollbackTarget::Set(set) })
        }
        _ => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                "a rollback has either `to` or `set`",
                "write `to: zero`, `to:` an earlier phase, or `set: { FLAG: 0% }`",
            );
            None
        }
    };
    reader.close(map);
    rollback
}

/// Compiles who decides.
pub(super) fn decision(
    reader: &mut Reader,
    names: &Names<'_>,
    here: &Here<'_>,
    item: &Item<'_>,
) -> Option<DecisionRule> {
    let mut map = reader.map(item, "a map with roles")?;
    let required = map.take("roles");
    if required.as_ref().is_none_or(|item| item_len(item) == 0) {
        reader.error_help(
            "missing-key",
            &item.path,
            item.key_at(),
            "who decides is not said",
            "add `roles: [...]`",
        );
    }
    let required = roles(reader, names.roles, required);
    let optional_roles = roles(reader, names.roles, map.take("optional_roles"));
    let extend = map.take("no_go").and_then(|item| {
        let mut map = reader.map(&item, "a map with extend")?;
        let extend = map.take("extend").and_then(|item| reader.span(&item, Span::seconds(1)));
        if extend.is_none() && !map.has("extend") {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                "how long a no-go extends the phase is not said",
                "add `extend: 7d`",
            );
        }
        reader.close(map);
        extend
    });
    let mut rollbacks = Vec::new();
    if let Some(item) = map.take("rollbacks") {
        for (name, at, item) in reader.named(&item, "a map of names and targets", CONDITIONS_MAX) {
            let Some(to) = lower(reader, here, &item) else { continue };
            // Whoever decides for `zero` in a hurry means zero.
            if to.name != *name && (name == "zero" || here.before.all.iter().any(|phase| phase == name)) {
                let message = format!("`{name}` is a target of its own, and would mean `{}` here", to.name);
                reader.error_help("invalid-key", &item.path, at, message, "give the rollback another name");
            }
            rollbacks.push((Key::new(name), to));
        }
    }
    reader.close(map);
    Some(DecisionRule { roles: required, optional_roles, extend, rollbacks })
}

/// Compiles what a retry needs.
pub(super) fn contingency(reader: &mut Reader, here: &Here<'_>, item: &Item<'_>) -> Option<Contingency> {
    let mut map = reader.map(item, "a map with to, hold and requires")?;
    let to = map
        .take("to")
        .and_then(|item| target(reader, here, &item))
        .map_or_else(|| Key::new("zero"), |to| to.name);
    let hold = map.take("hold").and_then(|item| reader.span(&item, Span::ZERO)).unwrap_or_default();
    let mut items = |key| match map.take(key) {
        Some(item) => reader
            .list(&item, "a list of items to attest", CONDITIONS_MAX)
            .iter()
            .filter_map(|item| reader.text(item).map(Key::new))
            .collect(),
        None => Vec::new(),
    };
    let (requires, if_zero) = (items("requires"), items("if_zero"));
    reader.close(map);
    Some(Contingency { to, hold, requires, if_zero })
}
