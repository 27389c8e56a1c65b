//! Phases: steps, gates, triggers, contingencies, decisions.

use super::condition::{Names, Use, condition, condition_in, roles};
use super::flags::{ABOVE_PARENT, unknown};
use super::reader::{Item, Map, Reader, join};
use crate::config::{Scalar, Value};
use crate::id::{FlagId, Key, PhaseId};
use crate::limits::{CONDITIONS_MAX, STEPS_MAX};
use crate::snapshot::{
    Check, ChecklistItem, Condition, ConditionKind, Contingency, DecisionRule, Gate, MetricKind, Phase,
    RollbackTarget, RollbackTo, ShareOf, Step, Subject, Trigger, TriggerMode, Window,
};
use crate::time::Span;
use crate::units::Share;

/// What a phase may refer to: the phases before it, and their keys.
pub(super) struct Before<'a> {
    pub(super) phases: &'a [Phase],
    pub(super) all: &'a [String],
}

/// A phase while it is compiled: what is before it, and the shares of every flag when it is complete.
struct Here<'a> {
    before: &'a Before<'a>,
    shares: &'a [Share],
}

/// Compiles one phase; the shares of the one before carry over.
pub(super) fn phase(
    reader: &mut Reader,
    names: &mut Names<'_>,
    before: &Before<'_>,
    key: &str,
    mut map: Map<'_>,
    item: &Item<'_>,
) -> Phase {
    let title = reader.opt_text(map.take("title"));
    let duration = match map.take("duration") {
        Some(item) if reader.raw(&item, "a length of time, or open").is_some_and(|text| text == "open") => {
            None
        }
        Some(item) => Some(reader.span(&item, Span::ZERO).unwrap_or_default()),
        None => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.at(),
                format_args!("phase `{key}` has no duration"),
                "add `duration: 7d`, or `duration: open`",
            );
            None
        }
    };
    let objectives = match map.take("objectives") {
        Some(item) => {
            reader.list(&item, "a list of texts", 256).iter().filter_map(|item| reader.text(item)).collect()
        }
        None => Vec::new(),
    };
    let checklist = checklist(reader, names, map.take("checklist"));
    let start = before
        .phases
        .last()
        .map_or_else(|| vec![Share::ZERO; names.flags.len()].into(), |phase| phase.last_shares.clone());
    let (steps, last_shares) = steps(reader, names, map.take("steps"), start.clone(), duration);
    let mut gates = Vec::new();
    if let Some(item) = map.take("gates") {
        for (key, _, item) in reader.named(&item, "a map of gates", CONDITIONS_MAX) {
            let Some(mut map) = reader.map(&item, "a condition") else { continue };
            let is_dry_run = map.take("dry_run").and_then(|item| reader.flag(&item)).unwrap_or(false);
            let condition = condition_in(reader, names, &mut map, &item, Use::Gate, 0);
            reader.close(map);
            gates.extend(condition.map(|condition| Gate { key: Key::new(key), condition, is_dry_run }));
        }
    }
    let here = Here { before, shares: &last_shares };
    let decision = map.take("decision").and_then(|item| decision(reader, names, &here, &item));
    let mut triggers = Vec::new();
    let triggers_item = map.take("triggers");
    if let Some(item) = &triggers_item {
        for (key, _, item) in reader.named(item, "a map of triggers", CONDITIONS_MAX) {
            triggers.extend(trigger(reader, names, &here, key, &item, decision.as_ref()));
        }
    }
    let raises = steps.iter().any(|step| step.shares.iter().zip(&start).any(|(now, was)| now > was));
    let has_guard =
        triggers.iter().any(|trigger| trigger.mode == TriggerMode::Automatic && !trigger.is_dry_run);
    if raises && !has_guard && triggers_item.is_none_or(|item| triggers.len() == item_len(&item)) {
        reader.error_help(
            "no-automatic-trigger",
            &item.path,
            item.at(),
            format_args!("phase `{key}` raises exposure, and nothing rolls it back by itself"),
            "add a trigger without `mode: manual`",
        );
    }
    let contingency = map.take("contingency").and_then(|item| contingency(reader, &here, &item));
    check_gates(reader, key, item, &gates, &checklist);
    let daily = checks(reader, names, map.take("daily"));
    reader.close(map);
    Phase {
        key: Key::new(key),
        title: if title.is_empty() { key.to_owned() } else { title },
        duration,
        objectives,
        checklist,
        steps,
        gates,
        triggers,
        contingency,
        decision,
        daily,
        last_shares,
    }
}

/// Gates that can never pass: none at all, or a checklist without an item.
fn check_gates(reader: &mut Reader, key: &str, item: &Item<'_>, gates: &[Gate], checklist: &[ChecklistItem]) {
    let is_written = item
        .node
        .field("gates")
        .is_some_and(|node| !matches!(&node.value, Value::Map(entries) if entries.is_empty()));
    if !is_written || (!gates.is_empty() && gates.iter().all(|gate| gate.is_dry_run)) {
        reader.warn(
            "no-gates",
            &item.path,
            item.at(),
            format_args!("phase `{key}` has no gates that count, so it never passes by itself"),
            "add `gates:`; without evidence a person has to override",
        );
    }
    for gate in gates {
        let mut asks = false;
        gate.condition.walk(&mut |inner| asks |= inner.kind == ConditionKind::ChecklistComplete);
        if asks && checklist.is_empty() {
            let path = join(&join(&item.path, "gates"), gate.key.as_str());
            let at = item.node.field("gates").and_then(|gates| gates.field(gate.key.as_str()));
            reader.error_help(
                "no-checklist",
                &path,
                at.map_or(item.at(), |node| node.at),
                format_args!("gate `{}` asks for the checklist, and phase `{key}` has none", gate.key),
                "add `checklist:` with its items to the phase",
            );
        }
    }
}

fn item_len(item: &Item<'_>) -> usize {
    match &item.node.value {
        Value::Map(entries) => entries.len(),
        Value::List(items) => items.len(),
        Value::Scalar(Scalar::Null) => 0,
        Value::Scalar(_) => usize::MAX,
    }
}

fn checklist(reader: &mut Reader, names: &Names<'_>, item: Option<Item<'_>>) -> Vec<ChecklistItem> {
    let Some(item) = item else { return Vec::new() };
    let mut items = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of items", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with title and owner") else { continue };
        let title = reader.opt_text(map.take("title"));
        let owner = map.take("owner").and_then(|item| {
            let name = reader.text(&item)?;
            let found = names.roles.iter().position(|role| role.key == *name.as_str());
            if found.is_none() {
                unknown(
                    reader,
                    "unknown-role",
                    "role",
                    &item,
                    &name,
                    names.roles.iter().map(|role| role.key.as_str()),
                );
            }
            found.map(|index| crate::id::RoleId(index as u16))
        });
        let due = map.take("due").and_then(|item| due(reader, &item));
        reader.close(map);
        items.push(ChecklistItem { key: Key::new(key), title, owner, due });
    }
    items
}

/// A date, or a time before the phase ends.
fn due(reader: &mut Reader, item: &Item<'_>) -> Option<String> {
    let text = reader.text(item)?;
    if text.parse::<jiff::civil::Date>().is_ok() || Span::parse(&text).is_ok() {
        return Some(text);
    }
    reader.error_help(
        "wrong-date",
        &item.path,
        item.at(),
        format_args!("`{text}` is neither a date nor a length of time"),
        "write a date such as 2026-01-13, or a time before the phase ends such as 2d",
    );
    None
}

/// Compiles the flags and shares of a `set`.
fn set(reader: &mut Reader, names: &Names<'_>, item: &Item<'_>) -> Vec<(FlagId, Share)> {
    let entries = reader.named(item, "a map of flags and shares", names.flags.len().max(1));
    if entries.is_empty() {
        reader.error_help(
            "empty-set",
            &item.path,
            item.at(),
            "`set` names no flag",
            "name at least one flag and its share",
        );
    }
    let mut shares = Vec::new();
    for (key, _, item) in entries {
        let share = reader.share(&item);
        match names.flags.iter().position(|flag| flag.key == *key) {
            Some(flag) => shares.extend(share.map(|share| (FlagId(flag as u16), share))),
            None => unknown(
                reader,
                "unknown-flag",
                "flag",
                &item,
                key,
                names.flags.iter().map(|flag| flag.key.as_str()),
            ),
        }
    }
    shares
}

fn steps(
    reader: &mut Reader,
    names: &mut Names<'_>,
    item: Option<Item<'_>>,
    start: Box<[Share]>,
    duration: Option<Span>,
) -> (Vec<Step>, Box<[Share]>) {
    let mut shares = start;
    let mut steps = Vec::new();
    let Some(item) = item else { return (steps, shares) };
    for item in reader.list(&item, "a list of steps", STEPS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with set and hold") else { continue };
        let mut named = Vec::new();
        match map.take("set") {
            Some(set_item) => {
                for (flag, share) in set(reader, names, &set_item) {
                    let was = shares[flag.index()];
                    if share < was {
                        reader.error_help(
                            "share-falls",
                            &set_item.path,
                            set_item.at(),
                            format_args!("`{}` falls from {was} to {share}", names.flags[flag.index()].key),
                            "inside a plan shares only rise; what lowers them is a trigger or a decision",
                        );
                    }
                    shares[flag.index()] = share;
                    named.push(flag);
                }
                for (index, flag) in names.flags.iter().enumerate() {
                    if let Some(parent) = flag.parent
                        && parent.share_of == ShareOf::Total
                        && shares[index] > shares[parent.flag.index()]
                    {
                        let above = &names.flags[parent.flag.index()].key;
                        reader.error_help(
                            "child-above-parent",
                            &set_item.path,
                            set_item.at(),
                            format_args!(
                                "`{}` at {} lies within `{above}` at {}",
                                flag.key,
                                shares[index],
                                shares[parent.flag.index()]
                            ),
                            ABOVE_PARENT,
                        );
                    }
                }
            }
            None => reader.error_help(
                "missing-key",
                &item.path,
                item.at(),
                "the step sets nothing",
                "add `set: { FLAG: 10% }`",
            ),
        }
        let hold = map.take("hold").and_then(|item| reader.span(&item, Span::ZERO)).unwrap_or_default();
        let day = Span::hours(24);
        let soak = map
            .take("soak")
            .and_then(|item| reader.span(&item, Span::ZERO))
            .unwrap_or(duration.map_or(day, |duration| duration.min(day)));
        let only_if = map.take("only_if").and_then(|item| condition(reader, names, &item, Use::Gate, 0));
        reader.close(map);
        steps.push(Step { shares: shares.clone(), names: named, hold, soak, only_if });
    }
    (steps, shares)
}

/// The target of a name: zero, or an earlier phase whose shares are lower.
fn lower(reader: &mut Reader, here: &Here<'_>, item: &Item<'_>) -> Option<RollbackTo> {
    let to = target(reader, here, item)?;
    let is_lower = match &to.target {
        RollbackTarget::Zero => here.shares.iter().any(|share| *share > Share::ZERO),
        RollbackTarget::Phase(id) => {
            let target = &here.before.phases[id.index()].last_shares;
            here.shares.iter().zip(target).any(|(now, then)| now > then)
        }
        RollbackTarget::Set(_) => true,
    };
    // A step that was not understood leaves shares that say nothing.
    let is_known = !reader.problems.iter().any(|problem| problem.path.contains(".steps["));
    if !is_lower && is_known {
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

fn trigger(
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
    let when_item = map.take("when");
    let when = match &when_item {
        Some(item) => condition(reader, names, item, Use::Trigger, 0),
        None => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.at(),
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
                item.at(),
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

/// Whether the condition can be judged inside the recording call: events, alerts and gauges, without `for`.
fn is_at_once(names: &Names<'_>, condition: &Condition) -> bool {
    let mut is_at_once = true;
    condition.walk(&mut |inner| {
        is_at_once &= match &inner.kind {
            ConditionKind::Measure(measure) => {
                let is_fast = match measure.query.subject {
                    Subject::Rollbacks => true,
                    Subject::Metric(id) => {
                        matches!(names.metrics[id.index()].kind, MetricKind::Event | MetricKind::Gauge)
                    }
                };
                is_fast && measure.sustained.is_none()
            }
            ConditionKind::Alerts(..)
            | ConditionKind::All(_)
            | ConditionKind::Any(_)
            | ConditionKind::AtLeastOf(..) => true,
            _ => false,
        };
    });
    is_at_once
}

fn rollback(reader: &mut Reader, names: &Names<'_>, here: &Here<'_>, item: &Item<'_>) -> Option<RollbackTo> {
    let mut map = reader.map(item, "a map with `to` or `set`")?;
    let (to, set_item) = (map.take("to"), map.take("set"));
    let rollback = match (to, set_item) {
        (Some(to), None) => lower(reader, here, &to),
        (None, Some(set_item)) => {
            let set = set(reader, names, &set_item);
            if !set.is_empty() && set.iter().all(|(flag, share)| *share >= here.shares[flag.index()]) {
                reader.error_help(
                    "target-not-lower",
                    &set_item.path,
                    set_item.at(),
                    "this lowers nothing below the phase's own shares",
                    "set at least one flag lower",
                );
            }
            Some(RollbackTo { name: Key::new("set"), target: RollbackTarget::Set(set) })
        }
        _ => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.at(),
                "a rollback has either `to` or `set`",
                "write `to: zero`, `to:` an earlier phase, or `set: { FLAG: 0% }`",
            );
            None
        }
    };
    reader.close(map);
    rollback
}

fn decision(
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
            item.at(),
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
                item.at(),
                "how long a no-go extends the phase is not said",
                "add `extend: 7d`",
            );
        }
        reader.close(map);
        extend
    });
    let mut rollbacks = Vec::new();
    if let Some(item) = map.take("rollbacks") {
        for (name, _, item) in reader.named(&item, "a map of names and targets", CONDITIONS_MAX) {
            rollbacks.extend(lower(reader, here, &item).map(|target| (Key::new(name), target)));
        }
    }
    reader.close(map);
    Some(DecisionRule { roles: required, optional_roles, extend, rollbacks })
}

fn contingency(reader: &mut Reader, here: &Here<'_>, item: &Item<'_>) -> Option<Contingency> {
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

/// Compiles rows that are shown.
pub(super) fn checks(reader: &mut Reader, names: &mut Names<'_>, item: Option<Item<'_>>) -> Vec<Check> {
    let Some(item) = item else { return Vec::new() };
    let mut checks = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of conditions", CONDITIONS_MAX) {
        let condition = condition(reader, names, &item, Use::Shown, 0);
        checks.extend(condition.map(|condition| Check { key: Key::new(key), condition }));
    }
    checks
}
