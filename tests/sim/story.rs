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

/// The trace of a story gives the journal of the engine that it was played on, byte for byte.
fn same_journal(world: &mut World, ruleset: Arc<Ruleset>, plan: &PlanText, events: &[Event]) -> Kept {
    let replayed = journal_of(ruleset, &trace(plan, events))
        .map_err(|error| Broken { promise: "6.12", how: format!("the trace is refused: {error}") })?;
    let own = world.engine.journal_after(0);
    world.coverage.see("replayed byte for byte");
    let first = own.iter().zip(&replayed).position(|(own, replayed)| own != replayed);
    must(first.is_none() && replayed.len() >= own.len(), "6.12", || match first {
        Some(at) => format!("a replay gives another record: {} in place of {}", replayed[at], own[at]),
        None => format!("a replay gives {} records in place of {}", replayed.len(), own.len()),
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
    let mut deaf = World::new(ruleset, plan, Ears::Shut)?;
    for event in events.iter().take_while(|event| !matches!(event, Event::Restart(_))) {
        deaf.apply(event)?;
    }
    if world.first_life.is_none() {
        deaf.end()?;
    }
    let own = world.first_life.take().unwrap_or_else(|| world.engine.journal_after(0));
    let (own, other) = (decisions(&own), decisions(&deaf.engine.journal_after(0)));
    world.coverage.see("notices: decided the same without sinks");
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
