//! Phases: steps, gates, triggers, contingencies, decisions.

use super::actions::actions;
use super::calendar::{due, window};
use super::condition::{Names, Use, condition, condition_in, role};
use super::flags::{ABOVE_PARENT, unknown};
use super::reader::{Item, Map, Reader, join};
use super::rules::above_slot;
use super::schedule::{schedule, warn_of_never};
use super::trigger::{contingency, decision, trigger};
use crate::config::{Scalar, Value};
use crate::id::{FlagId, Key};
use crate::limits::{CONDITIONS_MAX, STEPS_MAX};
use crate::snapshot::{
    Check, ChecklistItem, ConditionKind, DecisionRule, DeploymentWindow, Gate, Phase, ShareOf, Step, Trigger,
    TriggerMode,
};
use crate::time::{Span, Zone};
use crate::units::Share;

/// What a phase may refer to: the phases before it, and their keys.
pub(super) struct Before<'a> {
    pub(super) phases: &'a [Phase],
    pub(super) all: &'a [String],
    /// The zone of dates, and the plan's own deployment window.
    pub(super) zone: &'a Zone,
    pub(super) window: Option<&'a DeploymentWindow>,
}

/// A phase while it is compiled: what is before it, and the shares of every flag when it is complete.
pub(super) struct Here<'a> {
    pub(super) before: &'a Before<'a>,
    pub(super) shares: &'a [Share],
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
    let duration = duration(reader, &mut map, key, item);
    let objectives = objectives(reader, map.take("objectives"));
    let checklist = checklist(reader, names, before.zone, duration, map.take("checklist"));
    let start = before
        .phases
        .last()
        .map_or_else(|| vec![Share::ZERO; names.flags.len()].into(), |phase| phase.last_shares.clone());
    let (steps, last_shares) = steps(reader, names, map.take("steps"), start.clone(), duration);
    let gates = gates(reader, names, map.take("gates"));
    let here = Here { before, shares: &last_shares };
    let decision = map.take("decision").and_then(|item| decision(reader, names, &here, &item));
    let triggers_item = map.take("triggers");
    let triggers = triggers(reader, names, &here, triggers_item.as_ref(), decision.as_ref());
    let written = triggers_item.as_ref().map_or(0, item_len);
    check_guard(reader, key, item, (&start, &steps), (&triggers, written));
    let contingency = map.take("contingency").and_then(|item| contingency(reader, &here, &item));
    check_gates(reader, key, item, &gates, &checklist);
    let daily = checks(reader, names, map.take("daily"));
    let window = window(reader, map.take("deployment_window")).or_else(|| before.window.cloned());
    let schedule = schedule(reader, names.roles, map.take("schedule"));
    let targets = checks(reader, names, map.take("targets"));
    reader.close(map);
    let phase = Phase {
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
        window,
        schedule: schedule.iter().map(|(item, _)| item.clone()).collect(),
        daily,
        targets,
        last_shares,
    };
    warn_of_never(reader, &schedule, &phase, item);
    phase
}

fn objectives(reader: &mut Reader, item: Option<Item<'_>>) -> Vec<String> {
    let Some(item) = item else { return Vec::new() };
    reader.list(&item, "a list of texts", 256).iter().filter_map(|item| reader.text(item)).collect()
}

fn triggers(
    reader: &mut Reader,
    names: &mut Names<'_>,
    here: &Here<'_>,
    item: Option<&Item<'_>>,
    decision: Option<&DecisionRule>,
) -> Vec<Trigger> {
    let Some(item) = item else { return Vec::new() };
    let mut triggers = Vec::new();
    for (key, _, item) in reader.named(item, "a map of triggers", CONDITIONS_MAX) {
        triggers.extend(trigger(reader, names, here, key, &item, decision));
    }
    triggers
}

/// Whether something rolls back by itself where people are exposed: at the start of the phase, or by its steps.
fn check_guard(
    reader: &mut Reader,
    key: &str,
    item: &Item<'_>,
    (start, steps): (&[Share], &[Step]),
    (triggers, written): (&[Trigger], usize),
) {
    let is_exposed = start.iter().any(|share| *share > Share::ZERO);
    let raises = steps.iter().any(|step| step.shares.iter().zip(start).any(|(now, was)| now > was));
    let has_guard =
        triggers.iter().any(|trigger| trigger.mode == TriggerMode::Automatic && !trigger.is_dry_run);
    // One that was not understood is a problem of its own.
    let is_whole = triggers.len() == written;
    if raises && !has_guard && is_whole {
        reader.error_help(
            "no-automatic-trigger",
            &item.path,
            item.key_at(),
            format_args!("phase `{key}` raises exposure, and nothing rolls it back by itself"),
            "add a trigger without `mode: manual`",
        );
    } else if is_exposed && written == 0 {
        reader.error_help(
            "no-trigger",
            &item.path,
            item.key_at(),
            format_args!("phase `{key}` has no trigger, and people are exposed in it"),
            "add `triggers:`; a phase goes without only where every flag is at 0%",
        );
    } else if is_exposed && !has_guard && is_whole {
        reader.warn(
            "only-manual-triggers",
            &item.path,
            item.key_at(),
            format_args!("phase `{key}` keeps people exposed, and nothing rolls it back by itself"),
            "add a trigger without `mode: manual`",
        );
    }
}

/// How long it lasts; `None` where it is open.
fn duration(reader: &mut Reader, map: &mut Map<'_>, key: &str, phase: &Item<'_>) -> Option<Span> {
    let Some(item) = map.take("duration") else {
        let message = format!("phase `{key}` has no duration");
        let help = "add `duration: 7d`, or `duration: open`";
        reader.error_help("missing-key", &phase.path, phase.key_at(), message, help);
        return None;
    };
    if reader.raw(&item, "a length of time, or open").is_some_and(|text| text == "open") {
        return None;
    }
    Some(reader.span(&item, Span::ZERO).unwrap_or_default())
}

fn gates(reader: &mut Reader, names: &mut Names<'_>, item: Option<Item<'_>>) -> Vec<Gate> {
    let Some(item) = item else { return Vec::new() };
    let mut gates = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of gates", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a condition") else { continue };
        let is_dry_run = map.take("dry_run").and_then(|item| reader.flag(&item)).unwrap_or(false);
        let condition = condition_in(reader, names, &mut map, &item, Use::Gate);
        reader.close(map);
        gates.extend(condition.map(|condition| Gate { key: Key::new(key), condition, is_dry_run }));
    }
    gates
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
            item.key_at(),
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

/// How many entries or items are written.
pub(super) fn item_len(item: &Item<'_>) -> usize {
    match &item.node.value {
        Value::Map(entries) => entries.len(),
        Value::List(items) => items.len(),
        Value::Scalar(Scalar::Null) => 0,
        Value::Scalar(_) => usize::MAX,
    }
}

fn checklist(
    reader: &mut Reader,
    names: &Names<'_>,
    zone: &Zone,
    duration: Option<Span>,
    item: Option<Item<'_>>,
) -> Vec<ChecklistItem> {
    let Some(item) = item else { return Vec::new() };
    let mut items = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of items", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with title and owner") else { continue };
        let title = reader.opt_text(map.take("title"));
        let owner = map.take("owner").and_then(|item| role(reader, names.roles, &item));
        let due = map.take("due").and_then(|item| due(reader, &item, zone, duration));
        let [command, expect] =
            ["command", "expect"].map(|key| map.take(key).and_then(|item| reader.text(&item)));
        reader.close(map);
        items.push(ChecklistItem { key: Key::new(key), title, owner, due, command, expect });
    }
    items
}

/// Compiles the flags and shares of a `set`.
pub(super) fn set(reader: &mut Reader, names: &Names<'_>, item: &Item<'_>) -> Vec<(FlagId, Share)> {
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
            Some(flag) if names.flags[flag].is_final => reader.error_help(
                "final-flag-set",
                &item.path,
                item.key_at(),
                format_args!("`{key}` is final: it is on for everybody, and no plan sets it"),
                "remove it here, or remove `final: true` from the flag",
            ),
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
        let named = match map.take("set") {
            Some(set) => raise(reader, names, &set, &mut shares),
            None => {
                let (message, help) = ("the step sets nothing", "add `set: { FLAG: 10% }`");
                reader.error_help("missing-key", &item.path, item.key_at(), message, help);
                Vec::new()
            }
        };
        let hold = map.take("hold").and_then(|item| reader.span(&item, Span::ZERO)).unwrap_or_default();
        let day = Span::hours(24);
        let soak = map
            .take("soak")
            .and_then(|item| reader.span(&item, Span::ZERO))
            .unwrap_or(duration.map_or(day, |duration| duration.min(day)));
        let only_if = map.take("only_if").and_then(|item| condition(reader, names, &item, Use::Gate, 0));
        let actions = actions(reader, names.roles, map.take("actions"));
        reader.close(map);
        steps.push(Step { shares: shares.clone(), names: named, hold, soak, only_if, actions });
    }
    (steps, shares)
}

/// Sets the shares of a step, which only rise and stay within those of parents; gives the flags that it names.
fn raise(reader: &mut Reader, names: &Names<'_>, item: &Item<'_>, shares: &mut [Share]) -> Vec<FlagId> {
    let mut named = Vec::new();
    for (flag, share) in set(reader, names, item) {
        let was = shares[flag.index()];
        if share < was {
            reader.error_help(
                "share-falls",
                &item.path,
                item.at(),
                format_args!("`{}` falls from {was} to {share}", names.flags[flag.index()].key),
                "inside a plan shares only rise; what lowers them is a trigger or a decision",
            );
        }
        above_slot(reader, item, &names.flags[flag.index()], share);
        shares[flag.index()] = share;
        named.push(flag);
    }
    for (index, flag) in names.flags.iter().enumerate() {
        if let Some(parent) = flag.parent
            && parent.share_of == ShareOf::Total
            && !names.flags[parent.flag.index()].is_final
            && shares[index] > shares[parent.flag.index()]
        {
            let (own, above) = (shares[index], shares[parent.flag.index()]);
            let key = &names.flags[parent.flag.index()].key;
            let message = format_args!("`{}` at {own} lies within `{key}` at {above}", flag.key);
            reader.error_help("child-above-parent", &item.path, item.key_at(), message, ABOVE_PARENT);
        }
    }
    named
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
