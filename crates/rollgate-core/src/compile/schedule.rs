//! What people are reminded of: the items of a plan, and of each phase in their place.

use super::calendar::{never, time_of_day, weekday};
use super::condition::{missing, role};
use super::reader::{Item, Map, Reader};
use crate::id::Key;
use crate::limits::{CONDITIONS_MAX, SCHEDULE_DAYS_MAX};
use crate::snapshot::{Phase, RoleRule, ScheduleItem, When};
use crate::time::Span;

/// The keys of which an item has exactly one.
const FORMS: [&str; 6] = ["day", "daily", "weekly", "every", "within", "before_end"];

/// What a title may name.
const PLACEHOLDERS: [&str; 5] = ["phase.title", "phase.id", "phase.number", "next.title", "next.id"];

/// Compiles a `schedule`.
pub(super) fn schedule(
    reader: &mut Reader,
    roles: &[RoleRule],
    item: Option<Item<'_>>,
) -> Vec<(ScheduleItem, String)> {
    let Some(item) = item else { return Vec::new() };
    let mut items = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of items", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with title, owner and a time") else { continue };
        let title_item = map.take("title");
        let title = title_item.as_ref().and_then(|item| reader.text(item)).unwrap_or_default();
        if let Some(item) = &title_item {
            placeholders(reader, item, &title);
        }
        let owner = map.take("owner").and_then(|item| role(reader, roles, &item));
        let groups = groups(reader, map.take("groups"));
        let when = when(reader, &mut map, &item);
        reader.close(map);
        if let Some(when) = when {
            let title = if title.is_empty() { key.to_owned() } else { title };
            items.push((ScheduleItem { key: Key::new(key), title, owner, groups, when }, item.path.clone()));
        }
    }
    items
}

fn placeholders(reader: &mut Reader, item: &Item<'_>, text: &str) {
    for part in text.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !part.contains('}') || !PLACEHOLDERS.contains(&name) {
            let listed: Vec<String> = PLACEHOLDERS.iter().map(|name| format!("{{{name}}}")).collect();
            let message = format_args!("nothing fills `{{{name}}}` here");
            let help = format!("there are {}", listed.join(", "));
            reader.error_help("unknown-placeholder", &item.path, item.at(), message, help);
        }
    }
}

fn groups(reader: &mut Reader, item: Option<Item<'_>>) -> Vec<(Key, Vec<String>)> {
    let Some(item) = item else { return Vec::new() };
    let mut groups = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of groups", CONDITIONS_MAX) {
        let items = reader.list(&item, "a list of texts", CONDITIONS_MAX);
        groups.push((Key::new(key), items.iter().filter_map(|item| reader.text(item)).collect()));
    }
    groups
}

/// When it comes; exactly one of the forms is written.
fn when(reader: &mut Reader, map: &mut Map<'_>, item: &Item<'_>) -> Option<When> {
    let written: Vec<&str> = FORMS.into_iter().filter(|key| map.has(key)).collect();
    let [day, daily, weekly, every, within, before_end] = FORMS.map(|key| map.take(key));
    let [at, until, lasts, then_every] = ["at", "until", "for", "then_every"].map(|key| map.take(key));
    if written.len() != 1 {
        refuse_forms(reader, item, &written);
        return None;
    }
    let has_clock = daily.is_some() || day.is_some() || weekly.is_some();
    let beside = [
        (&at, day.is_some() || weekly.is_some(), "`at` goes with `day` or `weekly`"),
        (&until, has_clock, "`until` goes with `day`, `daily` or `weekly`"),
        (&lasts, every.is_some(), "`for` goes with `every`"),
        (&then_every, every.is_some() && lasts.is_some(), "`then_every` goes with `every` and `for`"),
    ];
    for (item, is_used, why) in beside {
        if let (Some(item), false) = (item, is_used) {
            let help = "remove it, or add what it goes with";
            reader.error_help("wrong-schedule", &item.path, item.key_at(), why, help);
        }
    }
    if let Some(every) = every {
        return repeated(reader, &every, lasts, then_every);
    }
    if let Some(within) = within {
        return reader.span(&within, MINUTE).map(When::Within);
    }
    if let Some(before_end) = before_end {
        return reader.span(&before_end, MINUTE).map(When::BeforeEnd);
    }
    let clock = daily.or(at).or_else(|| missing(reader, item, "at", "a time of day such as \"09:00\""));
    let (at, until) = hours(reader, clock, until)?;
    match (day, weekly) {
        (Some(item), _) => day_of_phase(reader, &item).map(|day| When::Day { day, at, until }),
        (None, Some(item)) => {
            let weekday = weekday(reader, &item)? as u8;
            Some(When::Weekly { weekday, at, until })
        }
        (None, None) => Some(When::Daily { at, until }),
    }
}

/// None of the forms is written, or more than one.
fn refuse_forms(reader: &mut Reader, item: &Item<'_>, written: &[&str]) {
    let found = match written {
        [] => "none is".to_owned(),
        several => format!("{} are", several.join(" and ")),
    };
    reader.error_help(
        "wrong-schedule",
        &item.path,
        item.key_at(),
        format_args!("one of {} says when, and {found} written", FORMS.join(", ")),
        "write for example `daily: \"09:00\"`, or `day: 1` with `at: \"09:00\"`",
    );
}

/// Every so often, perhaps for so long, and then less often.
fn repeated(
    reader: &mut Reader,
    every: &Item<'_>,
    lasts: Option<Item<'_>>,
    then_every: Option<Item<'_>>,
) -> Option<When> {
    let span = |reader: &mut Reader, item: &Option<Item<'_>>| {
        item.as_ref().and_then(|item| reader.span(item, MINUTE))
    };
    let every = reader.span(every, MINUTE);
    let (read_lasts, read_then) = (span(reader, &lasts), span(reader, &then_every));
    let is_read = lasts.is_some() == read_lasts.is_some() && then_every.is_some() == read_then.is_some();
    every.filter(|_| is_read).map(|every| When::Every { every, lasts: read_lasts, then_every: read_then })
}

/// From when to when in a day, in minutes from midnight; the end is a later time of the same day.
fn hours(reader: &mut Reader, at: Option<Item<'_>>, until: Option<Item<'_>>) -> Option<(u16, Option<u16>)> {
    let at = at.and_then(|item| time_of_day(reader, &item))?;
    let Some(item) = until else { return Some((at, None)) };
    let until = time_of_day(reader, &item)?;
    if until <= at {
        let help = "write a later time of the same day";
        reader.error_help("wrong-time", &item.path, item.at(), "`until` is not after it", help);
        return None;
    }
    Some((at, Some(until)))
}

/// A day of the phase, counted from its first.
fn day_of_phase(reader: &mut Reader, item: &Item<'_>) -> Option<u16> {
    let day = reader.whole(item, 1)?;
    let day = u16::try_from(day).ok().filter(|day| *day <= SCHEDULE_DAYS_MAX);
    if day.is_none() {
        let message = format_args!("a phase has at most {SCHEDULE_DAYS_MAX} days");
        let help = "count the days from 1, the phase's first";
        reader.error_help("out-of-range", &item.path, item.at(), message, help);
    }
    day
}

/// The shortest time between two reminders, or before one is missed: people do not read faster.
const MINUTE: Span = Span::minutes(1);

/// Why an item can never come in a phase.
fn why_never(when: When, phase: &Phase) -> Option<&'static str> {
    match when {
        When::Within(_) if phase.steps.is_empty() => Some("the phase has no step to count from"),
        When::BeforeEnd(_) if phase.duration.is_none() => Some("an open phase has no end to count back from"),
        When::Day { day, .. } if phase.length().is_some_and(|length| begun(length) < u64::from(day)) => {
            Some("the phase ends before that day")
        }
        _ => None,
    }
}

/// On how many days something of this length can happen.
fn begun(length: Span) -> u64 {
    length.0.div_ceil(86_400_000) + 1
}

/// Warns of a phase's own items that can never come.
pub(super) fn warn_of_never(
    reader: &mut Reader,
    items: &[(ScheduleItem, String)],
    phase: &Phase,
    item: &Item<'_>,
) {
    let schedule = item.node.field("schedule");
    for (entry, path) in items {
        let node = schedule.and_then(|node| node.field(entry.key.as_str()));
        let is_nameless = entry.title.contains("{next.");
        if let (Some(node), Some(why)) = (node, why_never(entry.when, phase)) {
            never(reader, &Item::new(node, path.clone()), why, "mend it, or leave it out");
        } else if let (Some(node), true, None) = (node, is_nameless, phase.duration) {
            never(reader, &Item::new(node, path.clone()), "an open phase has no next one", "leave it out");
        }
    }
}

/// The plan's items and, in their place, the phase's own; each with its title filled in.
pub(super) fn instantiate(template: &[(ScheduleItem, String)], phases: &mut [Phase]) {
    let names: Vec<(String, String)> =
        phases.iter().map(|phase| (phase.title.clone(), phase.key.to_string())).collect();
    for (index, phase) in phases.iter_mut().enumerate() {
        let own = std::mem::take(&mut phase.schedule);
        let is_replaced = |key: &Key| own.iter().any(|item| item.key == *key);
        let inherited = template
            .iter()
            .map(|(item, _)| item)
            .filter(|item| !is_replaced(&item.key) && why_never(item.when, phase).is_none());
        let mut items: Vec<ScheduleItem> = inherited.cloned().collect();
        items.extend(own);
        let (title, id) = names.get(index).cloned().unwrap_or_default();
        let next = names.get(index + 1);
        // Nobody is reminded of the phase after the last one.
        items.retain(|item| next.is_some() || !item.title.contains("{next."));
        for item in &mut items {
            item.title = item
                .title
                .replace("{phase.title}", &title)
                .replace("{phase.id}", &id)
                .replace("{phase.number}", &index.to_string());
            if let Some((title, id)) = next {
                item.title = item.title.replace("{next.title}", title).replace("{next.id}", id);
            }
        }
        phase.schedule = items;
    }
}
