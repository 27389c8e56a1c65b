//! One story: a plan and what happens, played until it ends or a promise is broken.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rollgate::core::snapshot::Ruleset;
use rollgate::replay::journal_of;
use serde_json::Value;

use super::author::Author;
use super::book::{Broken, Kept, must};
use super::coverage::Coverage;
use super::dice::Dice;
use super::event::Event;
use super::plan::PlanText;
use super::world::{Ears, World};

/// What a story came to.
pub(super) struct Told {
    pub(super) plan: PlanText,
    pub(super) events: Vec<Event>,
    pub(super) coverage: Coverage,
    pub(super) broken: Option<Broken>,
    /// Whether a trace can say all of it.
    pub(super) is_plain: bool,
}

/// Writes and plays the story of a seed.
pub(super) fn write(seed: u64) -> Told {
    let mut dice = Dice::new(seed);
    let mut plan = PlanText::throw(&mut dice);
    let mut more = Dice::of_adornment(seed);
    plan.adorn(&mut more);
    let ruleset = match plan.compiled() {
        Ok(ruleset) => ruleset,
        Err(problems) => {
            let broken = Some(Broken { promise: "compile", how: problems });
            return Told { plan, events: Vec::new(), coverage: Coverage::default(), broken, is_plain: false };
        }
    };
    let mut author = Author::new(dice, more, &plan);
    let mut events = Vec::new();
    let mut play = Play::open(ruleset, &plan);
    loop {
        let next = match play.world.as_ref() {
            Some(world) if play.broken.is_none() => author.next(world),
            _ => Vec::new(),
        };
        if next.is_empty() {
            break;
        }
        for event in next {
            play.step(&event);
            events.push(event);
            if play.broken.is_some() {
                break;
            }
        }
    }
    play.end(&plan, &events, seed.is_multiple_of(3));
    let is_plain = play.is_plain();
    Told { plan, events, coverage: play.coverage(), broken: play.broken, is_plain }
}

/// Plays a story that is written.
pub(super) fn play(plan: &PlanText, events: &[Event]) -> Option<Told> {
    let mut play = Play::open(plan.compiled().ok()?, plan);
    let mut played = 0;
    for event in events {
        if play.broken.is_some() {
            break;
        }
        play.step(event);
        played += 1;
    }
    play.end(plan, &events[..played], true);
    let (is_plain, events) = (play.is_plain(), events[..played].to_vec());
    Some(Told { plan: plan.clone(), events, coverage: play.coverage(), broken: play.broken, is_plain })
}

/// A story under way.
struct Play {
    ruleset: Arc<Ruleset>,
    world: Option<World>,
    broken: Option<Broken>,
}

/// What a panic says.
fn panicked(payload: &(dyn std::any::Any + Send)) -> Broken {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Broken { promise: "G1", how: format!("a panic: {}", text.unwrap_or_default()) }
}

impl Play {
    fn open(ruleset: Arc<Ruleset>, plan: &PlanText) -> Self {
        match World::new(ruleset.clone(), plan, Ears::Open) {
            Ok(world) => Self { ruleset, world: Some(world), broken: None },
            Err(broken) => Self { ruleset, world: None, broken: Some(broken) },
        }
    }

    fn guarded(&mut self, act: impl FnOnce(&mut World) -> Kept) {
        let Some(world) = &mut self.world else { return };
        self.broken = match catch_unwind(AssertUnwindSafe(|| act(world))) {
            Ok(Ok(())) => None,
            Ok(Err(broken)) => Some(broken),
            Err(payload) => Some(panicked(payload.as_ref())),
        };
    }

    fn step(&mut self, event: &Event) {
        self.guarded(|world| world.apply(event));
    }

    fn is_plain(&self) -> bool {
        self.world.as_ref().is_some_and(|world| world.is_plain)
    }

    fn coverage(&self) -> Coverage {
        self.world.as_ref().map(|world| world.coverage.clone()).unwrap_or_default()
    }

    fn end(&mut self, plan: &PlanText, events: &[Event], replays: bool) {
        if self.broken.is_some() {
            return;
        }
        self.guarded(World::end);
        let ruleset = self.ruleset.clone();
        if self.broken.is_none() && replays && self.is_plain() {
            self.guarded(|world| same_journal(world, ruleset, plan, events));
        } else if self.broken.is_none() && replays && plan.has_sinks() {
            self.guarded(|world| same_decisions(world, ruleset, plan, events));
        }
    }
}

/// The first place at which two journals differ, where the second does not only go on.
fn difference(own: &[String], other: &[String]) -> Option<usize> {
    let first = own.iter().zip(other).position(|(own, other)| own != other);
    first.or((other.len() < own.len()).then_some(other.len()))
}

/// The world of a story that nobody looked into while it was played: who writes a story reads the engine's status, and a
/// reading collects samples early, which moves the coverage of their window by a part of a slot.
fn unread(ruleset: Arc<Ruleset>, plan: &PlanText, ears: Ears, events: &[Event]) -> Result<World, Broken> {
    let mut world = World::new(ruleset, plan, ears)?;
    for event in events {
        world.apply(event)?;
    }
    Ok(world)
}

/// The trace of a story gives the journal of the engine that it was played on, byte for byte.
fn same_journal(world: &mut World, ruleset: Arc<Ruleset>, plan: &PlanText, events: &[Event]) -> Kept {
    let replayed = journal_of(ruleset.clone(), &trace(plan, events))
        .map_err(|error| Broken { promise: "6.12", how: format!("the trace is refused: {error}") })?;
    let mut own = world.engine.journal_after(0);
    world.coverage.see("replayed byte for byte");
    if difference(&own, &replayed).is_some() {
        world.coverage.see("a reading moved a coverage");
        own = unread(ruleset, plan, Ears::Open, events)?.engine.journal_after(0);
    }
    let first = difference(&own, &replayed);
    must(first.is_none(), "6.12", || {
        let at = first.unwrap_or_default();
        format!("a replay gives another record: {:?} in place of {:?}", replayed.get(at), own.get(at))
    })
}

/// Records without notices, and without their places in the journal.
fn decisions(lines: &[String]) -> Vec<String> {
    let mut decisions = Vec::new();
    for line in lines {
        let Ok(Value::Object(mut record)) = serde_json::from_str::<Value>(line) else { continue };
        if record["kind"] == "notice" {
            continue;
        }
        record.remove("seq");
        record.remove("hash");
        decisions.push(Value::Object(record).to_string());
    }
    decisions
}

/// A story whose process nobody listens to decides the same, byte for byte: up to the first restart, because how much
/// watched time a process that ends has saved depends on when it last wrote anything.
fn same_decisions(world: &mut World, ruleset: Arc<Ruleset>, plan: &PlanText, events: &[Event]) -> Kept {
    let life = events.iter().position(|event| matches!(event, Event::Restart(_)));
    let events = &events[..life.unwrap_or(events.len())];
    let journal = |world: &mut World| -> Result<Vec<String>, Broken> {
        if life.is_none() {
            world.end()?;
        }
        Ok(decisions(&world.engine.journal_after(0)))
    };
    let other = journal(&mut unread(ruleset.clone(), plan, Ears::Shut, events)?)?;
    let lived = world.first_life.take().unwrap_or_else(|| world.engine.journal_after(0));
    let mut own = decisions(&lived);
    world.coverage.see("notices: decided the same without sinks");
    if own != other {
        world.coverage.see("a reading moved a coverage");
        own = journal(&mut unread(ruleset, plan, Ears::Open, events)?)?;
    }
    let first = (0..own.len().max(other.len())).find(|at| own.get(*at) != other.get(*at));
    must(first.is_none(), "7.3", || {
        let at = first.unwrap_or_default();
        format!("without sinks it decides {:?} in place of {:?}", other.get(at), own.get(at))
    })
}

/// A story as a trace; what no trace can say is left out.
pub(super) fn trace(plan: &PlanText, events: &[Event]) -> String {
    let mut text = String::new();
    let mut at = plan.starts;
    for event in events {
        if let Event::Pass(span) = event {
            at = at + *span;
        }
        if let Some(Some(line)) = event.line(at) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}
