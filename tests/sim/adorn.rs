//! What a part of the plans have beside phases, gates and triggers: a calendar, actions before steps, notices, reminders.
//!
//! It is thrown with dice of its own, so that the plan and the story below it stay what they were.

use rollgate::core::time::{Span, Timestamp};

use super::almanac::{Freeze, Hours, ZONES, Zone};
use super::dice::Dice;
use super::plan::{CalendarPlan, PlanText};
use super::sinks::{CHANNELS, Mood, SinkPlan};

/// Evaluation instants of every plan.
const GRID: Span = Span::seconds(600);

impl PlanText {
    /// Adds what the dice say.
    pub(super) fn adorn(&mut self, dice: &mut Dice) {
        if dice.once_in(4) {
            self.add_calendar(dice);
        }
        if dice.once_in(4) {
            self.add_actions(dice);
        }
        if dice.once_in(3) {
            self.add_notices(dice);
        }
        if dice.once_in(6) {
            self.add_schedule(dice);
        }
    }

    /// So many evaluations, in milliseconds.
    fn some(&self, dice: &mut Dice, low: u64, high: u64) -> i64 {
        (dice.between(low, high) * self.every * 1_000) as i64
    }

    fn add_calendar(&mut self, dice: &mut Dice) {
        let index = dice.roll(ZONES.len() as u64) as usize;
        let zone = &ZONES[index];
        if let Some((change, _)) = zone.changes.get(dice.between(2, 4) as usize)
            && !dice.once_in(3)
        {
            // The clocks change while the story is told.
            self.starts = (*change - Span(self.some(dice, 0, 120) as u64)).floor(GRID);
        }
        let mut freezes = Vec::new();
        for _ in 0..dice.roll(3) {
            freezes.extend(self.freeze(dice, zone));
        }
        let hours = (freezes.is_empty() || dice.once_in(2)).then(|| self.hours(dice, zone));
        self.calendar = Some(CalendarPlan { zone: index, freezes, hours });
        for phase in 0..self.phases.len() {
            if dice.once_in(5) {
                self.phases[phase].hours = Some(self.hours(dice, zone));
            }
        }
    }

    fn freeze(&self, dice: &mut Dice, zone: &Zone) -> Option<Freeze> {
        let from = self.starts.0 + self.some(dice, 0, 90);
        let to = from + self.some(dice, 1, 50);
        let is_of_days = dice.once_in(12);
        let to = (!dice.once_in(20)).then(|| zone.shown(Timestamp(to)));
        let freeze = Freeze { from: zone.shown(Timestamp(from)), to, is_of_days };
        let (from, to) = freeze.span(zone);
        // An hour that comes twice may turn it round, and one that is left out may leave nothing of it.
        to.is_none_or(|to| from < to).then_some(freeze)
    }

    fn hours(&self, dice: &mut Dice, zone: &Zone) -> Hours {
        let minute = |at: i64| zone.shown(Timestamp(at)).rem_euclid(86_400_000) / 60_000;
        let one = self.starts.0 + self.some(dice, 0, 80);
        let two = one + self.some(dice, 1, 60).max(60_000);
        let (mut from, mut to) = (minute(one), minute(two));
        if !dice.once_in(3) {
            // Open for most of the day, and closed in between.
            (from, to) = (to, from);
        }
        if from == to {
            to = (to + 1) % 1_440;
        }
        let mut days = [true; 7];
        if dice.once_in(4) {
            days[dice.roll(7) as usize] = false;
        }
        Hours { days, from, to }
    }

    fn add_actions(&mut self, dice: &mut Dice) {
        for phase in 0..self.phases.len() {
            for step in 0..self.phases[phase].steps.len() {
                if dice.once_in(3) {
                    continue;
                }
                let mut actions = Vec::new();
                for index in 0..dice.between(1, 3) {
                    let mut keys = vec![format!("run: ./b{index}.sh")];
                    if dice.once_in(3) {
                        keys.push("expect: ok".to_owned());
                    }
                    if !dice.once_in(3) {
                        keys.push(format!("timeout: {}s", dice.between(1, 8) * self.every));
                    }
                    actions.push(format!("b{index}: {{ {} }}", keys.join(", ")));
                }
                self.phases[phase].actions[step] = Some(format!("actions: {{ {} }}", actions.join(", ")));
            }
        }
    }

    fn add_notices(&mut self, dice: &mut Dice) {
        let all = [
            ("phase_started", "{phase.id} started"),
            ("phase_passed", "{phase.id} passed, {next.id} is next"),
            ("completed", "{name} is done"),
            ("rolled_back", "back to {to} by {cause}: {shares}"),
            ("stopped", "stopped by {cause}"),
            ("proposal", "{trigger} proposes {to}: {evidence}"),
            ("awaiting_decision", "{phase.id} awaits {roles}"),
            ("rollback_ineffective", "it did not help: {evidence}"),
            ("gates_failed", "{phase.id} does not pass: {evidence}"),
            ("reminder", "{what}"),
            ("daily", "{status}: {shares}"),
        ];
        for (when, message) in all {
            if dice.once_in(3) {
                continue;
            }
            // The same transition may have another message, and the same channel both.
            for twin in 0..dice.between(1, 2) {
                let channels: Vec<&str> = CHANNELS.into_iter().filter(|_| dice.once_in(2)).collect();
                if channels.is_empty() {
                    continue;
                }
                let urgent = if dice.once_in(3) { "urgent: true, " } else { "" };
                let channels = channels.join("\", \"");
                self.notices.push(format!(
                    "{{ when: {when}, {urgent}channels: [\"{channels}\"], message: \"{twin}: {message}\" }}"
                ));
            }
        }
        if dice.once_in(4) {
            // Nobody listens: then a trace can tell the story.
            self.sinks = CHANNELS.map(|_| SinkPlan { mood: Mood::Gone, is_steady: true });
            return;
        }
        self.sinks = CHANNELS.map(|_| {
            let mood = *dice.of(&[
                Mood::Well,
                Mood::Well,
                Mood::Well,
                Mood::Failing,
                Mood::Failing,
                Mood::Panicking,
                Mood::Refusing,
                Mood::Gone,
            ]);
            SinkPlan { mood, is_steady: dice.once_in(2) }
        });
    }

    fn add_schedule(&mut self, dice: &mut Dice) {
        let zone = self.calendar.as_ref().map_or(&ZONES[0], |calendar| &ZONES[calendar.zone]);
        let minute = |at: i64| {
            let minute = zone.shown(Timestamp(at)).rem_euclid(86_400_000) / 60_000;
            format!("{:02}:{:02}", minute / 60, minute % 60)
        };
        let soon = minute(self.starts.0 + self.some(dice, 1, 100));
        self.schedule = vec![
            format!("look: {{ title: Look at it, every: {}s }}", (dice.between(2, 20) * self.every).max(60)),
            format!("walk: {{ daily: \"{soon}\" }}"),
            format!("first: {{ within: {}s }}", (dice.between(1, 10) * self.every).max(60)),
            format!("last: {{ before_end: {}s }}", (dice.between(1, 5) * self.every).max(60)),
        ];
        self.schedule.retain(|_| !dice.once_in(3));
    }
}
