//! Writes the story of a seed: what happens next, with an eye on where the rollout stands.

use rollgate::core::snapshot::Severity;
use rollgate::core::time::Span;

use super::dice::Dice;
use super::event::{Event, Whose};
use super::people;
use super::plan::PlanText;
use super::sinks::{self, CHANNELS, SinkPlan};
use super::world::World;

/// How a metric does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    Bad,
    /// Good and bad at once.
    Mixed,
    /// A few samples now and then.
    Thin,
    Silent,
    /// Samples that cannot be.
    Rubbish,
    Flood,
}

/// Which faults a story has.
#[derive(Clone, Copy, Debug)]
struct Faults {
    /// The calendar is set, machines are suspended.
    jumps: bool,
    /// Ticks come late, and not at all for a while.
    late: bool,
    restarts: bool,
    away: bool,
}

/// The author of one story.
pub(super) struct Author {
    dice: Dice,
    /// Further dice, for what only some plans have.
    more: Dice,
    has_actions: bool,
    sinks: [SinkPlan; CHANNELS.len()],
    has_sinks: bool,
    every: Span,
    moods: [Mood; 5],
    faults: Faults,
    is_well: bool,
    /// Evaluations left.
    left: u64,
    alerts: u64,
    away_for: u64,
    deaf_for: u64,
    is_started: bool,
}

const MOODS: [Mood; 12] = [
    Mood::Good,
    Mood::Good,
    Mood::Good,
    Mood::Good,
    Mood::Bad,
    Mood::Bad,
    Mood::Mixed,
    Mood::Thin,
    Mood::Thin,
    Mood::Silent,
    Mood::Rubbish,
    Mood::Flood,
];

impl Author {
    pub(super) fn new(mut dice: Dice, more: Dice, plan: &PlanText) -> Self {
        let faults = match dice.roll(5) {
            0 | 1 => Faults { jumps: false, late: false, restarts: false, away: false },
            2 => Faults { jumps: true, late: true, restarts: false, away: false },
            3 => Faults { jumps: false, late: false, restarts: true, away: true },
            _ => Faults { jumps: true, late: true, restarts: true, away: true },
        };
        let left = dice.between(40, 260);
        let is_well = dice.once_in(3);
        Self {
            every: Span::seconds(plan.every),
            more,
            has_actions: plan.has_actions(),
            sinks: plan.sinks,
            has_sinks: plan.has_sinks(),
            moods: [Mood::Good; 5],
            faults,
            is_well,
            left,
            alerts: 0,
            away_for: 0,
            deaf_for: 0,
            is_started: false,
            dice,
        }
    }

    /// What happens until the next evaluation; empty at the end.
    pub(super) fn next(&mut self, world: &World) -> Vec<Event> {
        if self.left == 0 {
            return Vec::new();
        }
        self.left -= 1;
        let mut events = Vec::new();
        if !self.is_started {
            self.is_started = true;
            events.push(Event::Tick);
            if self.dice.once_in(8) {
                self.deaf_for = self.dice.between(1, 20);
            } else {
                events.push(Event::Live);
            }
        }
        self.change_moods();
        let wait = world.due.since(world.now).0;
        // A moment inside the slot, then its end.
        let inside = self.dice.between(0, wait.saturating_sub(1));
        events.push(Event::Pass(Span(inside)));
        for metric in 0..5 {
            self.traffic(metric, &mut events);
        }
        self.ask(world, &mut events);
        self.beside(world, &mut events);
        self.faults(world, &mut events);
        if events.iter().any(|event| matches!(event, Event::Restart(_))) {
            return events;
        }
        let mut rest = wait - inside;
        if self.faults.late && self.dice.once_in(12) {
            // Late: by a little, or for so long that nobody watched.
            rest += if self.dice.once_in(2) {
                self.dice.roll(self.every.0 * 2)
            } else {
                self.dice.roll(self.every.0 * 40)
            };
            if self.dice.once_in(2) {
                events.push(Event::Pass(Span(rest)));
                rest = 0;
                let metric = self.dice.roll(5) as usize;
                self.traffic(metric, &mut events);
            }
        }
        events.push(Event::Pass(Span(rest)));
        events.push(Event::Tick);
        if self.dice.once_in(10) {
            // At the very instant of the evaluation, after it.
            let metric = self.dice.roll(5) as usize;
            self.traffic(metric, &mut events);
            self.ask(world, &mut events);
        }
        events
    }

    fn change_moods(&mut self) {
        for metric in 0..5 {
            let often = if self.is_well { 80 } else { 24 };
            if self.dice.once_in(often) {
                self.moods[metric] = *self.dice.of(&MOODS);
            } else if self.moods[metric] != Mood::Good && self.dice.once_in(10) {
                self.moods[metric] = Mood::Good;
            }
        }
    }

    fn whose(&mut self) -> Whose {
        if self.dice.once_in(4) { Whose::Key(format!("user-{}", self.dice.roll(500))) } else { Whose::Nobody }
    }

    fn traffic(&mut self, metric: usize, events: &mut Vec<Event>) {
        let mood = self.moods[metric];
        if mood == Mood::Silent || (mood == Mood::Thin && self.dice.once_in(2)) {
            return;
        }
        let is_bad = match mood {
            Mood::Bad => true,
            Mood::Mixed | Mood::Thin => self.dice.once_in(2),
            _ => false,
        };
        match metric {
            0 => self.latency(mood, is_bad, events),
            1 => {
                let total = match mood {
                    Mood::Thin => self.dice.between(1, 4),
                    Mood::Flood => 3_000_000,
                    _ => 200,
                };
                let trues = if is_bad { total.div_ceil(2) } else { total / 100 };
                let whose = self.whose();
                events.push(Event::Outcomes { metric: "err", trues, total, whose });
            }
            2 => {
                let value = match mood {
                    Mood::Rubbish => *self.dice.of(&[f64::NAN, f64::INFINITY, 300.0]),
                    _ if is_bad => *self.dice.of(&[1_000.0, 1_001.0, 1_500.0]),
                    _ => *self.dice.of(&[300.0, 999.0, 400.0]),
                };
                events.push(Event::Value { metric: "heap", value, count: 1, whose: Whose::Nobody });
            }
            3 => {
                let count = match mood {
                    Mood::Flood => 40_000,
                    _ if is_bad => self.dice.between(1, 4),
                    _ => u64::from(self.dice.once_in(12)),
                };
                if count > 0 {
                    events.push(Event::Count { metric: "crash", count });
                }
                if is_bad && self.dice.once_in(3) {
                    self.alerts += 1;
                    let severity =
                        *self.dice.of(&[Severity::Critical, Severity::Critical, Severity::Warning]);
                    events.push(Event::Alert { severity, id: format!("a{}", self.alerts % 7) });
                } else if self.dice.once_in(4) {
                    events.push(Event::Closed { id: format!("a{}", self.dice.roll(7)) });
                }
            }
            _ if self.dice.once_in(3) => {
                let rating = if is_bad { self.dice.roll(7) } else { self.dice.between(8, 10) };
                let rating = if mood == Mood::Rubbish { 11 } else { rating };
                events.push(Event::Value {
                    metric: "nps",
                    value: rating as f64,
                    count: 1,
                    whose: Whose::Nobody,
                });
            }
            _ if self.dice.once_in(4) => {
                let points = if is_bad { -60.0 } else { 40.0 };
                events.push(Event::Points { metric: "nps", points });
            }
            _ => {}
        }
    }

    fn latency(&mut self, mood: Mood, is_bad: bool, events: &mut Vec<Event>) {
        let whose = self.whose();
        let mut push = |value: f64, count: u64| {
            events.push(Event::Value { metric: "lat", value, count, whose: whose.clone() });
        };
        match mood {
            Mood::Rubbish => push(f64::NAN, 3),
            Mood::Flood => {
                push(100.0, 5_000_000);
                if self.dice.once_in(6) {
                    push(100.0, 1 << 45);
                }
            }
            Mood::Thin => push(if is_bad { 900.0 } else { 100.0 }, self.dice.between(1, 4)),
            Mood::Mixed => {
                push(900.0, self.dice.between(1, 30));
                push(100.0, self.dice.between(50, 400));
            }
            Mood::Bad => push(900.0, self.dice.between(20, 300)),
            _ => push(100.0, self.dice.between(20, 300)),
        }
    }

    fn ask(&mut self, world: &World, events: &mut Vec<Event>) {
        let is_pending = world.book.status == "pending";
        if self.dice.once_in(if is_pending { 2 } else { 3 })
            && let Some(command) = people::fitting(&mut self.dice, &world.status())
        {
            events.push(Event::Ask(command));
        }
        if self.dice.once_in(12) {
            events.push(Event::Ask(people::anything(&mut self.dice, &world.status())));
        }
    }

    /// What only some plans have: results of actions, and sinks that come and go.
    fn beside(&mut self, world: &World, events: &mut Vec<Event>) {
        if self.has_actions
            && let Some(result) = people::result(&mut self.more, &world.status())
        {
            events.push(Event::Ask(result));
        }
        if self.has_sinks && self.more.once_in(10) {
            let channel = self.more.roll(CHANNELS.len() as u64) as usize;
            let mood = *self.more.of(&[
                sinks::Mood::Well,
                sinks::Mood::Well,
                sinks::Mood::Failing,
                sinks::Mood::Failing,
                sinks::Mood::Refusing,
                sinks::Mood::Panicking,
                sinks::Mood::Gone,
            ]);
            if !self.sinks[channel].is_steady {
                events.push(Event::Sink { channel, mood });
            }
        }
    }

    fn faults(&mut self, world: &World, events: &mut Vec<Event>) {
        if self.deaf_for > 0 {
            self.deaf_for -= 1;
            if self.deaf_for == 0 {
                events.push(Event::Live);
            }
        }
        if self.faults.jumps && self.dice.once_in(20) {
            let most = if self.dice.once_in(2) { 30 * 86_400_000 } else { 120_000 };
            let by = self.dice.roll(most) as i64;
            events.push(Event::Jump(if self.dice.once_in(2) { by } else { -by }));
        }
        if self.faults.away {
            if self.away_for > 0 {
                self.away_for -= 1;
                if self.away_for == 0 {
                    events.push(Event::Back);
                }
            } else if self.dice.once_in(30) {
                self.away_for = self.dice.between(1, 25);
                events.push(Event::Away);
            }
        }
        if self.faults.restarts && self.dice.once_in(45) {
            self.away_for = 0;
            let down = if self.dice.once_in(3) { 0 } else { self.dice.roll(self.every.0 * 20) };
            events.push(Event::Restart(Span(down)));
            if self.dice.once_in(4) {
                self.deaf_for = self.dice.between(1, 20);
            } else {
                events.push(Event::Live);
            }
        }
        let _ = world;
    }
}
