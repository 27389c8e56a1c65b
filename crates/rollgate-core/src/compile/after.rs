//! What follows a rollout: the removal of flags, and work for later.

use jiff::civil::Date;

use super::condition::{Names, Use, condition, role, roles};
use super::flags::unknown;
use super::reader::{Item, Reader, join};
use crate::config::{Location, Node, Scalar, Value};
use crate::id::Key;
use crate::limits::CONDITIONS_MAX;
use crate::snapshot::{Check, FollowUp, Horizon, MetricKind, Phase, Removal, RoleRule};
use crate::time::{Span, Timestamp};

/// How long a flag is watched at 100 % before it may go, unless the plan says.
const STABLE: Span = Span::days(14);

/// Compiles `removal`; a plan that does not write it has its defaults.
pub(super) fn removal(reader: &mut Reader, names: &mut Names<'_>, item: Option<Item<'_>>) -> Removal {
    let mut rule =
        Removal { stable_for: STABLE, conditions: Vec::new(), requires: Vec::new(), approve_by: Vec::new() };
    let mut quiet = Vec::new();
    let map = item.as_ref().and_then(|item| reader.map(item, "a map with stable_for, quiet and requires"));
    if let Some(mut map) = map {
        let written = map.take("stable_for").and_then(|item| reader.span(&item, Span::minutes(1)));
        rule.stable_for = written.unwrap_or(STABLE);
        if let Some(item) = map.take("quiet") {
            quiet = events(reader, names, &item);
        }
        if let Some(item) = map.take("requires") {
            let items = reader.list(&item, "a list of items to attest", CONDITIONS_MAX);
            rule.requires = items.iter().filter_map(|item| reader.text(item).map(Key::new)).collect();
        }
        rule.approve_by = roles(reader, names.roles, map.take("approve_by"));
        reader.close(map);
    }
    let span = rule.stable_for.to_string();
    let alerts = tree(&[("alerts", "critical"), ("quiet_for", &span)]);
    let mut asked = vec![("critical_alerts".to_owned(), alerts)];
    for metric in quiet {
        let node = tree(&[("metric", &metric), ("stat", "count"), ("over", &span), ("at_most", "0")]);
        asked.push((metric, node));
    }
    for (key, node) in &asked {
        // A window that is too long is a problem of `stable_for`, and told at its place.
        let path = item.as_ref().map_or_else(|| "removal".into(), |item| join(&item.path, "stable_for"));
        let condition = condition(reader, names, &Item::new(node, path), Use::Gate, 0);
        rule.conditions.extend(condition.map(|condition| Check { key: Key::new(key.as_str()), condition }));
    }
    rule
}

/// The event metrics of a list.
fn events(reader: &mut Reader, names: &Names<'_>, item: &Item<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for item in reader.list(item, "a list of event metrics", CONDITIONS_MAX) {
        let Some(name) = reader.text(&item) else { continue };
        match names.metrics.iter().find(|metric| metric.key == *name.as_str()) {
            Some(metric) if metric.kind == MetricKind::Event => found.push(name),
            Some(metric) => reader.error_help(
                "wrong-value",
                &item.path,
                item.at(),
                format_args!("`{name}` is a {}, and only events can stay away", metric.kind.name()),
                "name metrics of `kind: event`",
            ),
            None => {
                let events = names.metrics.iter().filter(|metric| metric.kind == MetricKind::Event);
                unknown(
                    reader,
                    "unknown-metric",
                    "event metric",
                    &item,
                    &name,
                    events.map(|metric| metric.key.as_str()),
                );
            }
        }
    }
    found
}

/// A condition as somebody would write it.
fn tree(keys: &[(&str, &str)]) -> Node {
    let at = Location::default();
    let entry = |(key, text): &(&str, &str)| {
        ((*key).to_owned(), at, Node { value: Value::Scalar(Scalar::Text((*text).to_owned())), at })
    };
    Node { value: Value::Map(keys.iter().map(entry).collect()), at }
}

/// Compiles `follow_ups`.
pub(super) fn follow_ups(
    reader: &mut Reader,
    known: &[RoleRule],
    phases: &[Phase],
    item: Option<Item<'_>>,
    zone: &str,
) -> Vec<FollowUp> {
    let Some(item) = item else { return Vec::new() };
    let mut found = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of things to do", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with title, owner and due") else { continue };
        let title = reader.opt_text(map.take("title"));
        let owner = map.take("owner").and_then(|item| role(reader, known, &item));
        let due = map.take("due").and_then(|item| horizon_of(reader, &item, zone));
        reader.close(map);
        // Both are checked off by their names.
        let mut listed = phases.iter().flat_map(|phase| &phase.checklist);
        if listed.any(|other| other.key == *key) {
            let message = format!("`{key}` is an item of a checklist already");
            reader.error_help("duplicate-id", &item.path, item.key_at(), message, "give it another name");
        }
        let title = if title.is_empty() { key.to_owned() } else { title };
        found.push(FollowUp { key: Key::new(key), title, owner, due });
    }
    found
}

fn horizon_of(reader: &mut Reader, item: &Item<'_>, zone: &str) -> Option<Horizon> {
    let text = reader.text(item)?;
    let found = horizon(&text, zone);
    if found.is_none() {
        reader.error_help(
            "wrong-date",
            &item.path,
            item.at(),
            format_args!("`{text}` is neither a date nor a length of time"),
            "write a date such as 2026-04-01, or a time after completion such as 4w; months have no fixed length",
        );
    }
    found
}

/// Reads a date in a zone, or a length of time.
pub fn horizon(text: &str, zone: &str) -> Option<Horizon> {
    end_of_day(text, zone).map(Horizon::At).or_else(|| Span::parse(text).ok().map(Horizon::AfterCompletion))
}

/// The last moment of a day in the plan's zone: what is due on a day may be done on it.
fn end_of_day(text: &str, zone: &str) -> Option<Timestamp> {
    let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    let at = zone.to_timestamp(next.at(0, 0, 0, 0)).ok()?;
    Some(Timestamp(at.as_millisecond() - 1))
}
