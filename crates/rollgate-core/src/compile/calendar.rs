//! Freezes and deployment windows, and what the plan's own dates come to on them.

use super::condition::missing;
use super::reader::{Item, Reader};
use crate::config::{Location, Node, Value};
use crate::id::PhaseId;
use crate::limits::FREEZES_MAX;
use crate::snapshot::{DeploymentWindow, Due, DueAt, Freeze, Plan, WEEKDAYS};
use crate::time::{Moment, Span, Timestamp, Zone, minute_of_day};

/// The plan's zone; UTC unless written.
pub(super) fn zone(reader: &mut Reader, item: Option<Item<'_>>) -> Zone {
    let Some(item) = item else { return Zone::utc() };
    let Some(name) = reader.text(&item) else { return Zone::utc() };
    Zone::named(&name).unwrap_or_else(|| {
        reader.error_help(
            "unknown-zone",
            &item.path,
            item.at(),
            format_args!("`{name}` is no time zone"),
            "write an IANA name such as UTC or Europe/Berlin",
        );
        Zone::utc()
    })
}

/// The plan's first day.
pub(super) fn date(reader: &mut Reader, item: &Item<'_>, zone: &Zone) -> Option<Timestamp> {
    let text = reader.text(item)?;
    if let Some(Moment::Day(day)) = zone.read(&text) {
        return Some(zone.instant(day, 0));
    }
    let message = format_args!("`{text}` is not a date");
    reader.error_help(
        "wrong-date",
        &item.path,
        item.at(),
        message,
        "write year, month and day, such as 2026-01-13",
    );
    None
}

/// A time of day, in minutes after midnight.
pub(super) fn time_of_day(reader: &mut Reader, item: &Item<'_>) -> Option<u16> {
    let text = reader.text(item)?;
    let minute = minute_of_day(&text);
    if minute.is_none() {
        let message = format_args!("`{text}` is not a time of day");
        reader.error_help(
            "wrong-time",
            &item.path,
            item.at(),
            message,
            "write hours and minutes, such as \"09:00\"",
        );
    }
    minute
}

/// A day of the week; 0 is Monday.
pub(super) fn weekday(reader: &mut Reader, item: &Item<'_>) -> Option<usize> {
    let mut words = [("", 0); 7];
    for (index, (slot, name)) in words.iter_mut().zip(WEEKDAYS).enumerate() {
        *slot = (name, index);
    }
    reader.word(item, &words)
}

/// By when an item of a checklist is due: a date, or a time before the phase ends.
pub(super) fn due(reader: &mut Reader, item: &Item<'_>, zone: &Zone, duration: Option<Span>) -> Option<Due> {
    let written = reader.text(item)?;
    if let Some(Moment::Day(day)) = zone.read(&written) {
        return Some(Due { written, at: DueAt::Day(zone.instant(day.plus(1), 0)) });
    }
    if let Ok(span) = Span::parse(&written) {
        if duration.is_none() {
            never(reader, item, "an open phase has no end to count back from", "write a date");
        }
        return Some(Due { written, at: DueAt::BeforeEnd(span) });
    }
    reader.error_help(
        "wrong-date",
        &item.path,
        item.at(),
        format_args!("`{written}` is neither a date nor a length of time"),
        "write a date such as 2026-01-13, or a time before the phase ends such as 2d",
    );
    None
}

/// Warns of what can never come due.
pub(super) fn never(reader: &mut Reader, item: &Item<'_>, why: impl std::fmt::Display, help: &str) {
    reader.warn("never-due", &item.path, item.at(), why, help);
}

/// Compiles `freezes`.
pub(super) fn freezes(reader: &mut Reader, item: Option<Item<'_>>, zone: &Zone) -> Vec<Freeze> {
    let Some(item) = item else { return Vec::new() };
    let mut freezes = Vec::new();
    for item in reader.list(&item, "a list of freezes", FREEZES_MAX) {
        let Some(mut map) = reader.map(&item, "a map with from, to and reason") else { continue };
        let from = map
            .take("from")
            .or_else(|| missing(reader, &item, "from", "its first day"))
            .and_then(|item| moment(reader, &item, zone));
        let to_item = map.take("to");
        let to = to_item.as_ref().map(|item| moment(reader, item, zone));
        let reason = reader.opt_text(map.take("reason"));
        reader.close(map);
        let Some(from) = from.map(|from| match from {
            Moment::Day(day) => zone.instant(day, 0),
            Moment::Time(at) => at,
        }) else {
            continue;
        };
        let to = match to {
            None => None,
            Some(None) => continue,
            // The last day of a freeze is frozen: who writes it means all of it.
            Some(Some(Moment::Day(day))) => Some(zone.instant(day.plus(1), 0)),
            Some(Some(Moment::Time(at))) => Some(at),
        };
        if let (Some(to), Some(to_item)) = (to, &to_item)
            && to <= from
        {
            reader.error_help(
                "empty-freeze",
                &to_item.path,
                to_item.at(),
                "the freeze ends before it begins",
                "write a `to` after its `from`; a `to` that is a day is part of the freeze",
            );
        }
        freezes.push(Freeze { from, to, reason });
    }
    freezes
}

fn moment(reader: &mut Reader, item: &Item<'_>, zone: &Zone) -> Option<Moment> {
    let text = reader.text(item)?;
    let moment = zone.read(&text);
    if moment.is_none() {
        reader.error_help(
            "wrong-date",
            &item.path,
            item.at(),
            format_args!("`{text}` is neither a day nor a time of one"),
            "write 2026-12-20 or 2026-12-20T18:00, without an offset: it is in the plan's `timezone`",
        );
    }
    moment
}

/// Compiles a `deployment_window`.
pub(super) fn window(reader: &mut Reader, item: Option<Item<'_>>) -> Option<DeploymentWindow> {
    let item = item?;
    let mut map = reader.map(&item, "a map with days, from and to")?;
    let mut days = [true; 7];
    if let Some(item) = map.take("days") {
        days = [false; 7];
        for item in reader.list(&item, "a list of days such as [mon, tue]", 7) {
            let day = weekday(reader, &item).and_then(|day| days.get_mut(day));
            day.into_iter().for_each(|day| *day = true);
        }
        if matches!(&item.node.value, Value::List(items) if items.is_empty()) {
            let help = "name at least one day, or leave `days` out: it then opens every day";
            reader.error_help("empty-window", &item.path, item.at(), "the window opens on no day", help);
        }
    }
    let from = map.take("from").or_else(|| missing(reader, &item, "from", "the time at which it opens"));
    let to = map.take("to").or_else(|| missing(reader, &item, "to", "the time at which it closes"));
    reader.close(map);
    let from_minute = from.and_then(|item| time_of_day(reader, &item));
    let to_minute = to.and_then(|item| time_of_day(reader, &item));
    let (from_minute, to_minute) = (from_minute?, to_minute?);
    if from_minute == to_minute {
        let help = "write a later `to`; one before `from` is on the next day";
        reader.error_help("empty-window", &item.path, item.at(), "the window closes as it opens", help);
    }
    Some(DeploymentWindow { days, from_minute, to_minute })
}

/// Warns of phases that are planned for days on which nothing may rise.
pub(super) fn lint(reader: &mut Reader, plan: &Plan, tree: &Node) {
    let zone = &plan.calendar.zone;
    for (index, (phase, planned)) in plan.phases.iter().zip(plan.planned()).enumerate() {
        let Some(starts) = planned.starts.filter(|_| !phase.steps.is_empty()) else { continue };
        let day = zone.day_of(starts);
        let (midnight, next) = (zone.instant(day, 0), zone.instant(day.plus(1), 0));
        let Some(closed) = plan.closed(PhaseId(index as u16), midnight) else { continue };
        if closed.until.is_some_and(|until| until < next) {
            continue;
        }
        let at = match tree.field("phases").map(|node| &node.value) {
            Some(Value::List(items)) => items.get(index).map_or_else(Location::default, |node| node.at),
            _ => Location::default(),
        };
        reader.warn(
            "planned-while-closed",
            &format!("phases[{index}]"),
            at,
            format_args!(
                "phase `{}` is planned for {day}, and nothing may rise that day ({})",
                phase.key, closed.reason
            ),
            format_args!("{}; move the plan's `date`, or expect to wait", plan.calendar.opens(&closed)),
        );
    }
}
