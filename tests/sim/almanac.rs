//! The calendar of a simulated plan, as a person with a wall calendar reads it: freezes, deployment windows, and clocks
//! that are put forward and back.
//!
//! It asks no library for a zone: the changes of the clocks stand here, as newspapers announce them.

use rollgate::core::time::Timestamp;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// An instant of universal time.
const fn utc(year: i64, month: i64, day: i64, hour: i64, minute: i64) -> Timestamp {
    // Days since 1970, counted from March on, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let (of_era, months) = (year.rem_euclid(400), (month + 9) % 12);
    let of_year = (153 * months + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Timestamp(days * DAY + (hour * 60 + minute) * MINUTE)
}

/// A zone: its name, minutes east before the first change, and each change with the minutes east after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) name: &'static str,
    east: i64,
    pub(super) changes: &'static [(Timestamp, i64)],
}

/// The zones of simulated plans.
pub(super) const ZONES: [Zone; 5] = [
    Zone { name: "UTC", east: 0, changes: &[] },
    Zone { name: "Asia/Kolkata", east: 330, changes: &[] },
    Zone {
        name: "Europe/Berlin",
        east: 60,
        changes: &[
            (utc(2025, 3, 30, 1, 0), 120),
            (utc(2025, 10, 26, 1, 0), 60),
            (utc(2026, 3, 29, 1, 0), 120),
            (utc(2026, 10, 25, 1, 0), 60),
            (utc(2027, 3, 28, 1, 0), 120),
            (utc(2027, 10, 31, 1, 0), 60),
        ],
    },
    Zone {
        name: "America/New_York",
        east: -300,
        changes: &[
            (utc(2025, 3, 9, 7, 0), -240),
            (utc(2025, 11, 2, 6, 0), -300),
            (utc(2026, 3, 8, 7, 0), -240),
            (utc(2026, 11, 1, 6, 0), -300),
            (utc(2027, 3, 14, 7, 0), -240),
            (utc(2027, 11, 7, 6, 0), -300),
        ],
    },
    // Half an hour only, and in its April the summer ends.
    Zone {
        name: "Australia/Lord_Howe",
        east: 660,
        changes: &[
            (utc(2025, 4, 5, 15, 0), 630),
            (utc(2025, 10, 4, 15, 30), 660),
            (utc(2026, 4, 4, 15, 0), 630),
            (utc(2026, 10, 3, 15, 30), 660),
            (utc(2027, 4, 3, 15, 0), 630),
            (utc(2027, 10, 2, 15, 30), 660),
        ],
    },
];

impl Zone {
    /// What the zone's clocks show, as milliseconds since they showed 1970.
    pub(super) fn shown(&self, at: Timestamp) -> i64 {
        let change = self.changes.iter().rev().find(|(from, _)| *from <= at);
        at.0 + change.map_or(self.east, |(_, east)| *east) * MINUTE
    }

    /// The first instant at which the zone's clocks show this or more.
    pub(super) fn first(&self, shown: i64) -> Timestamp {
        let (mut from, mut east) = (i64::MIN, self.east);
        for (change, next) in self.changes {
            let at = (shown - east * MINUTE).max(from);
            if at < change.0 {
                return Timestamp(at);
            }
            (from, east) = (change.0, *next);
        }
        Timestamp((shown - east * MINUTE).max(from))
    }

    /// Whether the clocks change on the day that they show now.
    pub(super) fn changes_today(&self, at: Timestamp) -> bool {
        let today = self.shown(at).div_euclid(DAY);
        self.changes.iter().any(|(change, _)| self.shown(*change).div_euclid(DAY) == today)
    }
}

/// What a calendar shows, as plans write it: `2026-01-19T10:00:00`.
pub(super) fn written(shown: i64) -> String {
    Timestamp(shown).to_string().chars().take(19).collect()
}

/// A freeze, by what the clocks show; whole days have their last day in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Freeze {
    pub(super) from: i64,
    pub(super) to: Option<i64>,
    pub(super) is_of_days: bool,
}

impl Freeze {
    /// As a plan writes it.
    pub(super) fn text(&self) -> String {
        let moment = |shown: i64| {
            let text = written(shown);
            if self.is_of_days { text.chars().take(10).collect() } else { text }
        };
        let to = self.to.map(|to| format!(", to: \"{}\"", moment(to))).unwrap_or_default();
        format!("{{ from: \"{}\"{to}, reason: the fair }}", moment(self.from))
    }

    /// Its first instant, and the first after it.
    pub(super) fn span(&self, zone: &Zone) -> (Timestamp, Option<Timestamp>) {
        let from = if self.is_of_days { self.from - self.from.rem_euclid(DAY) } else { self.from };
        let to = self.to.map(|to| if self.is_of_days { to - to.rem_euclid(DAY) + DAY } else { to });
        (zone.first(from), to.map(|to| zone.first(to)))
    }
}

/// Days from Monday on and minutes of the day between which something may rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) days: [bool; 7],
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Hours {
    /// As a plan writes it.
    pub(super) fn text(&self) -> String {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days: Vec<&str> =
            names.into_iter().zip(self.days).filter(|(_, is_in)| *is_in).map(|(name, _)| name).collect();
        let days = if days.len() == 7 { String::new() } else { format!("days: [{}], ", days.join(", ")) };
        let time = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
        format!("deployment_window: {{ {days}from: \"{}\", to: \"{}\" }}", time(self.from), time(self.to))
    }

    /// When it opens and closes on a day, where it does.
    fn on(&self, zone: &Zone, day: i64) -> Option<(Timestamp, Timestamp)> {
        // The first day of 1970 was a Thursday.
        let is_in = self.days[(day + 3).rem_euclid(7) as usize];
        let next = if self.to > self.from { day } else { day + 1 };
        let (from, to) =
            (zone.first(day * DAY + self.from * MINUTE), zone.first(next * DAY + self.to * MINUTE));
        (is_in && from < to).then_some((from, to))
    }

    /// Its openings around a moment: from the day before on, so many days.
    fn around(&self, zone: &Zone, at: Timestamp, days: i64) -> Vec<(Timestamp, Timestamp)> {
        let today = zone.shown(at).div_euclid(DAY);
        (today - 2..today + days).filter_map(|day| self.on(zone, day)).collect()
    }
}

/// The calendar of a plan.
#[derive(Clone, Debug)]
pub(super) struct Almanac {
    pub(super) zone: &'static Zone,
    pub(super) freezes: Vec<Freeze>,
    /// By phase: its own, or the plan's.
    pub(super) hours: Vec<Option<Hours>>,
}

impl Almanac {
    /// Whether a freeze holds.
    pub(super) fn is_frozen(&self, at: Timestamp) -> bool {
        self.freezes.iter().any(|freeze| {
            let (from, to) = freeze.span(self.zone);
            from <= at && to.is_none_or(|to| at < to)
        })
    }

    /// Whether nothing may rise in a phase.
    pub(super) fn is_closed(&self, phase: usize, at: Timestamp) -> bool {
        let hours = self.hours.get(phase).and_then(Option::as_ref);
        let is_open = hours.is_none_or(|hours| {
            hours.around(self.zone, at, 3).iter().any(|(from, to)| *from <= at && at < *to)
        });
        self.is_frozen(at) || !is_open
    }

    /// The first instant after `at` at which something may rise again; `None`: there is none.
    pub(super) fn opens(&self, phase: usize, at: Timestamp) -> Option<Timestamp> {
        let ends = self.freezes.iter().filter_map(|freeze| freeze.span(self.zone).1).filter(|end| *end > at);
        let bases: Vec<Timestamp> = ends.chain([at]).collect();
        let hours = self.hours.get(phase).and_then(Option::as_ref);
        let openings = bases
            .iter()
            .flat_map(|base| hours.map_or(Vec::new(), |hours| hours.around(self.zone, *base, 15)));
        let mut all: Vec<Timestamp> = openings.map(|(from, _)| from).chain(bases.iter().copied()).collect();
        all.sort_unstable();
        all.into_iter().find(|moment| *moment > at && !self.is_closed(phase, *moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_change_show_what_people_expect() {
        let berlin = &ZONES[2];
        assert_eq!(utc(2026, 1, 19, 10, 0), super::super::world::START);
        assert_eq!(written(berlin.shown(utc(2026, 3, 29, 0, 59))), "2026-03-29T01:59:00");
        assert_eq!(written(berlin.shown(utc(2026, 3, 29, 1, 0))), "2026-03-29T03:00:00");
        // What is left out comes as the clocks are put forward; what comes twice is its first.
        assert_eq!(berlin.first(utc(2026, 3, 29, 2, 30).0), utc(2026, 3, 29, 1, 0));
        assert_eq!(berlin.first(utc(2026, 10, 25, 2, 30).0), utc(2026, 10, 25, 0, 30));
        assert!(berlin.changes_today(utc(2026, 10, 25, 20, 0)));
        assert!(!berlin.changes_today(utc(2026, 10, 25, 23, 30)));
    }
}
