//! The whole plan file.

use super::about::about;
use super::after::{follow_ups, removal};
use super::calendar::{date, freezes, time_of_day, window, zone};
use super::condition::Names;
use super::fingerprint::fingerprint;
use super::flags::{self, Setup};
use super::fleet::{self, Fleet};
use super::metrics;
use super::notices::{channels, notices, values};
use super::phase::{Before, checks, phase};
use super::problem::{Level, Problem, Problems};
use super::reader::{Item, Map, Reader};
use super::schedule::{instantiate, schedule};
use crate::config::{Config, Location, Node, Value};
use crate::id::{FlagId, Key};
use crate::limits::{CONDITIONS_MAX, EVALUATE_EVERY_MAX_MS, EVALUATE_EVERY_MIN_MS, PHASES_MAX};
use crate::snapshot::{
    About, Calendar, Check, Daily, DeploymentWindow, Flag, Holdback, Phase, Plan, Risk, Ruleset,
};
use crate::time::{Span, Timestamp, Zone};

/// A plan that may run, and what somebody should look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// What everything else reads.
    pub ruleset: Ruleset,
    /// In the order of the file.
    pub warnings: Vec<Problem>,
}

/// Compiles a plan file that was read into a tree.
///
/// # Errors
/// Every problem of the file, in its order.
pub fn compile(tree: &Node) -> Result<Compiled, Problems> {
    let mut reader = Reader::default();
    let ruleset = ruleset(&mut reader, tree);
    let problems = Problems::in_order(reader.problems);
    match ruleset {
        Some(ruleset) if !problems.has_error() => Ok(Compiled { ruleset, warnings: problems.0 }),
        _ => Err(problems),
    }
}

/// Compiles a plan that a program has filled in.
///
/// # Errors
/// Every problem of the plan, each with its path; there are no lines.
pub fn compile_config(config: &Config) -> Result<Compiled, Problems> {
    match Node::of(config) {
        Ok(tree) => compile(&tree),
        Err(error) => Err(Problems(vec![Problem::error("wrong-type", "", Location::default(), error)])),
    }
}

fn ruleset(reader: &mut Reader, tree: &Node) -> Option<Ruleset> {
    let item = Item::new(tree, "");
    let mut map = reader.map(&item, "a plan: a map")?;
    let head = head(reader, &mut map, &item);
    let has_phases = map.has("phases");
    let (flags, holdbacks) = all_flags(reader, &mut map, &item);
    let metrics = metrics::metrics(reader, map.take("metrics"), &flags);
    let prometheus = fleet::prometheus(reader, map.take("prometheus"), &metrics);
    let roles = metrics::roles(reader, map.take("roles"));
    let baselines = metrics::baselines(reader, map.take("baseline"), &metrics);
    let mut names =
        Names { flags: &flags, metrics: &metrics, roles: &roles, baselines: &baselines, streaks: 0 };
    let plan = rollout(reader, &mut names, &mut map, &head);
    if !has_phases {
        warn_of_no_phases(reader, &map);
    }
    reader.close(map);
    let streaks = names.streaks;
    let plan = (!plan.phases.is_empty()).then_some(plan);
    if has_phases && plan.is_none() {
        return None;
    }
    let mut flag_index: Vec<(Key, FlagId)> =
        flags.iter().enumerate().map(|(index, flag)| (flag.key.clone(), FlagId(index as u16))).collect();
    flag_index.sort();
    let mut ruleset = Ruleset {
        name: Key::new(head.name.as_str()),
        title: if head.title.is_empty() { head.name } else { head.title },
        about: head.about,
        hash: Key::new(""),
        timezone: Key::new(head.calendar.zone.name()),
        evaluate_every: head.evaluate_every,
        quorum: head.fleet.quorum,
        alerts: head.fleet.alerts,
        prometheus,
        expected_traffic: head.expected_traffic,
        flags,
        holdbacks,
        metrics,
        roles,
        baselines,
        streaks,
        plan,
        flag_index,
    };
    sign(reader, &mut ruleset, tree);
    if let Some(plan) = &ruleset.plan {
        super::calendar::lint(reader, plan, tree);
        super::lint::lint(reader, &ruleset, tree);
    }
    Some(ruleset)
}

/// What a file says of the whole plan, before its flags.
struct Head {
    name: String,
    title: String,
    about: About,
    date: Option<Timestamp>,
    calendar: Calendar,
    window: Option<DeploymentWindow>,
    evaluate_every: Span,
    expected_traffic: Option<f64>,
    fleet: Fleet,
}

fn head(reader: &mut Reader, map: &mut Map<'_>, item: &Item<'_>) -> Head {
    version(reader, map, item);
    let name = name(reader, map, item);
    let title = reader.opt_text(map.take("title"));
    let date_item = map.take("date");
    let mut about = about(reader, map);
    let zone = zone(reader, map.take("timezone"));
    let date = date_item.and_then(|item| {
        about.date = reader.opt_text(Some(item.clone()));
        date(reader, &item, &zone)
    });
    let freezes = freezes(reader, map.take("freezes"), &zone);
    let window = window(reader, map.take("deployment_window"));
    let evaluate_every = map
        .take("evaluate_every")
        .and_then(|item| evaluate_every(reader, &item))
        .unwrap_or(Span::seconds(10));
    let expected_traffic = map.take("expected_traffic").and_then(|item| traffic(reader, &item));
    let fleet = fleet::fleet(reader, map.take("fleet"));
    let calendar = Calendar { zone, freezes };
    Head { name, title, about, date, calendar, window, evaluate_every, expected_traffic, fleet }
}

/// The flags, of which a plan has at least one.
fn all_flags(reader: &mut Reader, map: &mut Map<'_>, plan: &Item<'_>) -> (Vec<Flag>, Vec<Holdback>) {
    let setup = if map.has("phases") { Setup::Phased } else { Setup::FlagsOnly };
    let item = map.take("flags");
    if item.as_ref().is_none_or(|item| is_empty(item.node)) {
        let at = item.as_ref().map_or(plan.at(), Item::at);
        let help = "add `flags:` with at least one flag";
        reader.error_help("no-flags", "flags", at, "the plan has no flags", help);
    }
    flags::flags(reader, map, item, setup)
}

/// The phases, and all that goes with them; a file without phases says nothing of the rest.
fn rollout(reader: &mut Reader, names: &mut Names<'_>, map: &mut Map<'_>, head: &Head) -> Plan {
    let zone = &head.calendar.zone;
    let mut phases = map
        .take("phases")
        .map(|item| phases(reader, names, &item, zone, head.window.as_ref()))
        .unwrap_or_default();
    let template = schedule(reader, names.roles, map.take("schedule"));
    instantiate(&template, &mut phases);
    if let Some(item) = map.take("total") {
        total(reader, &item, &phases);
    }
    let targets = checks(reader, names, map.take("targets"));
    let daily = daily(reader, names, map.take("daily"));
    let risks = risks(reader, map.take("risks"), &phases);
    let removal = removal(reader, names, map.take("removal"));
    let follow_ups = follow_ups(reader, names.roles, &phases, map.take("follow_ups"), zone.name());
    let values = values(reader, map.take("values"));
    let channels = channels(reader, map.take("channels"));
    let notices = notices(reader, map.take("notices"), head.date, &values, channels.as_deref());
    phases.iter_mut().for_each(|phase| {
        phase.daily = overlaid(&daily.checks, &phase.daily);
        phase.targets = overlaid(&targets, &phase.targets);
    });
    Plan {
        phases,
        targets,
        daily,
        notices,
        channels: channels.unwrap_or_default(),
        risks,
        date: head.date,
        calendar: head.calendar.clone(),
        removal,
        follow_ups,
    }
}

/// Gives a plan without errors the hash that records know it by.
fn sign(reader: &mut Reader, ruleset: &mut Ruleset, tree: &Node) {
    if reader.problems.iter().any(|problem| problem.level != Level::Warning) {
        return;
    }
    match fingerprint(tree) {
        Ok(hash) => ruleset.hash = hash,
        Err(error) => {
            reader.error_help("wrong-type", "", tree.at, error, "the schema says what each key takes")
        }
    }
}

fn version(reader: &mut Reader, map: &mut Map<'_>, plan: &Item<'_>) {
    let Some(item) = map.take("version") else {
        reader.error_help("missing-key", "", plan.at(), "the plan has no version", "add `version: 1`");
        return;
    };
    if let Some(version) = reader.raw(&item, "1")
        && version != "1"
    {
        let message = format!("version `{version}` is not known");
        let help = "write `version: 1`; there is no other yet";
        reader.error_help("wrong-version", &item.path, item.at(), message, help);
    }
}

fn name(reader: &mut Reader, map: &mut Map<'_>, plan: &Item<'_>) -> String {
    let Some(item) = map.take("name") else {
        let help = "add `name:` with a short name";
        reader.error_help("missing-key", "", plan.at(), "the plan has no name", help);
        return String::new();
    };
    reader.text(&item).filter(|name| reader.is_key(name, &item.path, item.at())).unwrap_or_default()
}

/// S4: how long the plan says it takes, against what its phases take.
fn total(reader: &mut Reader, item: &Item<'_>, phases: &[Phase]) {
    let Some(total) = reader.span(item, Span::ZERO) else { return };
    let is_understood = |problem: &Problem| !problem.path.starts_with("phases");
    if phases.is_empty() || !reader.problems.iter().all(is_understood) {
        return;
    }
    let spans: Vec<Span> = phases.iter().filter_map(|phase| phase.duration).collect();
    let sum = spans.iter().fold(Span::ZERO, |sum, span| sum + *span);
    if sum != total {
        let listed: Vec<String> = spans.iter().map(ToString::to_string).collect();
        let message = format!("`total` says {total}, and the phases take {sum} ({})", listed.join(" + "));
        let help = format!("write `total: {sum}`, or mend a duration");
        reader.error_help("total-differs", &item.path, item.at(), message, help);
    }
}

/// What a file says for its phases says nothing where it has none.
fn warn_of_no_phases(reader: &mut Reader, map: &Map<'_>) {
    const OF_PHASES: [&str; 14] = [
        "baseline",
        "targets",
        "daily",
        "risks",
        "values",
        "channels",
        "notices",
        "freezes",
        "deployment_window",
        "schedule",
        "removal",
        "follow_ups",
        "total",
        "fleet",
    ];
    for key in OF_PHASES.into_iter().filter(|key| map.has(key)) {
        let message = format!("`{key}` says nothing in a file without phases");
        reader.warn("no-effect", key, map.key_at(key), message, "add `phases:`, or remove it");
    }
}

/// The plan's rows with the phase's in the place of those of the same key.
fn overlaid(plan: &[Check], phase: &[Check]) -> Vec<Check> {
    let own = |key: &Key| phase.iter().find(|check| check.key == *key);
    let mut rows: Vec<Check> = plan.iter().map(|check| own(&check.key).unwrap_or(check).clone()).collect();
    rows.extend(phase.iter().filter(|check| !plan.iter().any(|other| other.key == check.key)).cloned());
    rows
}

fn evaluate_every(reader: &mut Reader, item: &Item<'_>) -> Option<Span> {
    let span = reader.span(item, Span(EVALUATE_EVERY_MIN_MS))?;
    if span.0 > EVALUATE_EVERY_MAX_MS {
        reader.error_help(
            "out-of-range",
            &item.path,
            item.at(),
            format_args!("`{span}` is too long; at most {}", Span(EVALUATE_EVERY_MAX_MS)),
            "a trigger acts one evaluation after its window; write for example 10s",
        );
        return None;
    }
    Some(span)
}

/// `20/s`, `5/min`: requests a second.
fn traffic(reader: &mut Reader, item: &Item<'_>) -> Option<f64> {
    let text = reader.text(item)?;
    let rate = text.split_once('/').and_then(|(number, unit)| {
        let number =
            number.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            "day" => 86_400.0,
            _ => return None,
        };
        Some(number / seconds)
    });
    if rate.is_none() {
        reader.error_help(
            "wrong-number",
            &item.path,
            item.at(),
            format_args!("`{text}` is not a rate"),
            "write a number of requests by s, min, h or day, such as 20/s",
        );
    }
    rate
}

fn phases(
    reader: &mut Reader,
    names: &mut Names<'_>,
    item: &Item<'_>,
    zone: &Zone,
    window: Option<&DeploymentWindow>,
) -> Vec<Phase> {
    let items = reader.list(item, "a list of phases", PHASES_MAX);
    if items.is_empty() && is_empty(item.node) {
        reader.error_help(
            "no-phases",
            &item.path,
            item.at(),
            "the plan has no phases",
            "add a phase, or leave `phases` out: the flags are then set by hand",
        );
    }
    let mut opened = Vec::new();
    for item in items {
        let Some(mut map) = reader.map(&item, "a map of one phase") else { continue };
        let Some(id) = map.take("id") else {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                "the phase has no id",
                "add `id:` with a short name",
            );
            continue;
        };
        let Some(key) = reader.text(&id).filter(|key| reader.is_key(key, &id.path, id.at())) else {
            continue;
        };
        if opened.iter().any(|(other, _, _): &(String, _, _)| *other == key) {
            let message = format!("there is a phase `{key}` already");
            reader.error_help("duplicate-id", &id.path, id.at(), message, "give one of them another id");
        }
        if matches!(key.as_str(), "zero" | "set" | "partial" | "full") {
            reader.error_help(
                "invalid-key",
                &id.path,
                id.at(),
                format_args!("`{key}` is a rollback target, not a phase"),
                "give the phase another id",
            );
        }
        opened.push((key, map, item));
    }
    let all: Vec<String> = opened.iter().map(|(key, _, _)| key.clone()).collect();
    let mut phases: Vec<Phase> = Vec::with_capacity(opened.len());
    let mut open: Option<String> = None;
    for (key, map, item) in opened {
        if let Some(open) = &open {
            reader.error_help(
                "unreachable-phase",
                &item.path,
                item.at(),
                format_args!("phase `{key}` cannot be reached: `{open}` before it is open"),
                "only the last phase may be open",
            );
        }
        let before = Before { phases: &phases, all: &all, zone, window };
        let compiled = phase(reader, names, &before, &key, map, &item);
        if compiled.duration.is_none() {
            open.get_or_insert(key);
        }
        phases.push(compiled);
    }
    phases
}

fn daily(reader: &mut Reader, names: &mut Names<'_>, item: Option<Item<'_>>) -> Daily {
    let Some(item) = item else { return Daily::default() };
    let Some(mut map) = reader.map(&item, "a map with at and checks") else { return Daily::default() };
    let at_minute = map.take("at").and_then(|item| time_of_day(reader, &item));
    let checks = checks(reader, names, map.take("checks"));
    reader.close(map);
    Daily { at_minute, checks }
}

fn risks(reader: &mut Reader, item: Option<Item<'_>>, phases: &[Phase]) -> Vec<Risk> {
    let Some(item) = item else { return Vec::new() };
    let mut risks = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of risks", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map of one risk") else { continue };
        let [title, probability, impact, mitigation] =
            ["title", "probability", "impact", "mitigation"].map(|key| reader.opt_text(map.take(key)));
        let mut triggers = Vec::new();
        if let Some(item) = map.take("triggers") {
            for item in reader.list(&item, "a list of triggers", CONDITIONS_MAX) {
                let Some(name) = reader.text(&item) else { continue };
                let mut known =
                    phases.iter().flat_map(|phase| &phase.triggers).map(|trigger| trigger.key.as_str());
                if known.any(|key| key == name) {
                    triggers.push(Key::new(name));
                } else {
                    let known =
                        phases.iter().flat_map(|phase| &phase.triggers).map(|trigger| trigger.key.as_str());
                    flags::unknown(reader, "unknown-trigger", "trigger", &item, &name, known);
                }
            }
        }
        reader.close(map);
        risks.push(Risk { key: Key::new(key), title, probability, impact, mitigation, triggers });
    }
    risks
}

/// Whether nothing is written: no value, no entry, no item.
pub(super) fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => *scalar == crate::config::Scalar::Null,
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}
