//! Makes a story that breaks a promise as small as it can be.

use super::event::Event;
use super::plan::PlanText;
use super::story::{Told, play};

/// Stories tried at most: a person waits for it.
const TRIES_MAX: usize = 3_000;

struct Shrinker {
    best: Told,
    promise: &'static str,
    tries: usize,
}

impl Shrinker {
    /// Takes over a story that breaks the same promise.
    fn is_taken(&mut self, plan: &PlanText, events: &[Event]) -> bool {
        if self.tries == 0 {
            return false;
        }
        self.tries -= 1;
        let Some(told) = play(plan, events) else { return false };
        let is_same = told.broken.as_ref().is_some_and(|broken| broken.promise == self.promise);
        if is_same {
            self.best = told;
        }
        is_same
    }

    /// Drops what a trace cannot say, then halves, quarters, and so on down to single events.
    fn events(&mut self) {
        let plain: Vec<Event> = self
            .best
            .events
            .iter()
            .filter(|event| event.line(super::world::START).is_some())
            .cloned()
            .collect();
        let plan = self.best.plan.clone();
        if plain.len() < self.best.events.len() {
            self.is_taken(&plan, &plain);
        }
        let mut size = self.best.events.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.best.events.len() {
                let events = &self.best.events;
                let rest: Vec<Event> =
                    events.iter().take(from).chain(events.iter().skip(from + size)).cloned().collect();
                if !self.is_taken(&plan, &rest) {
                    from += size;
                }
                if self.tries == 0 {
                    return;
                }
            }
            size /= 2;
        }
    }

    fn plan(&mut self) {
        loop {
            let events = self.best.events.clone();
            let smaller = self.best.plan.smaller();
            if !smaller.iter().any(|plan| self.is_taken(plan, &events)) {
                return;
            }
        }
    }
}

/// The smallest story found that breaks the same promise.
pub(super) fn shrink(told: Told) -> Told {
    let Some(promise) = told.broken.as_ref().map(|broken| broken.promise) else { return told };
    let mut shrinker = Shrinker { best: told, promise, tries: TRIES_MAX };
    shrinker.plan();
    shrinker.events();
    shrinker.plan();
    shrinker.events();
    shrinker.best
}
