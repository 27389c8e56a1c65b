//! Sums of windows that are asked for again and again: they are kept, and moved on slot by slot.
//!
//! Plain numbers are summed anew from the slots whenever the coarse part of a window changes, because a sum of doubles
//! that things are taken away from drifts. Counts of buckets are whole numbers, so they are added and taken away.
//! Either way a window says exactly what its slots would.

use std::collections::VecDeque;

use super::histogram::Dense;
use super::slot::{Edge, Slot, Sums, Tiers, is_within};
use crate::limits::SUMS_KEPT;
use crate::time::{Span, Timestamp};

/// A longer step than this is no step: the sums are made anew.
const STEP_MAX: Span = Span::seconds(60);
/// Growths kept for one metric: one for each window that a plan usually asks for.
const GROWTHS_KEPT: usize = 8;
/// Evaluations after which sums that nobody has asked for are dropped.
const IDLE_MAX: u32 = 90;

/// Sub-windows of a length, counted from the start of the phase (`averaged_by`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) by: Span,
    pub(super) phase: Timestamp,
}

impl Cells {
    /// Which sub-window a slot belongs to. The boundary is rounded down to the slots of the window's own tier, so that
    /// a slot and what it is rolled up into are in one sub-window.
    pub(super) fn of(self, start: Timestamp, slot: Span) -> i64 {
        let floor = start.floor(slot);
        let at = if start >= self.phase { floor.max(self.phase) } else { floor };
        at.0.saturating_sub(self.phase.0).div_euclid(self.by.0.max(1) as i64)
    }
}

/// What window it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// How long it is; `None`: as long as the phase.
    pub(super) over: Option<Span>,
    pub(super) clip: Timestamp,
    pub(super) cells: Option<Cells>,
}

impl Key {
    fn edge(&self, tiers: &Tiers, now: Timestamp) -> Edge {
        tiers.edge(self.over.map_or(self.clip, |over| now - over), self.clip, now)
    }

    fn cell(&self, tiers: &Tiers, edge: Edge, start: Timestamp) -> i64 {
        self.cells.map_or(0, |cells| cells.of(start, tiers.slot_of(edge.tier)))
    }
}

/// The values of a window, by sub-window where it has them.
pub(super) type Groups = VecDeque<(i64, Dense)>;

/// One kept window of values.
#[derive(Clone, Debug)]
struct Running {
    key: Key,
    edge: Edge,
    groups: Groups,
    idle: u32,
}

/// The numbers of a window's coarse part.
#[derive(Clone, Copy, Debug)]
struct Body {
    edge: Edge,
    /// Where the tier's open slot began, and how many slots it had.
    stand: (Timestamp, usize),
    sums: Sums,
}

/// The growth over a window's coarse part.
#[derive(Clone, Copy, Debug)]
struct Growth {
    edge: Edge,
    stand: (Timestamp, usize),
    slope: Option<f64>,
}

/// All that is kept for one metric.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    running: Vec<Running>,
    bodies: VecDeque<Body>,
    growths: VecDeque<Growth>,
    /// The end of the slot that was sealed last.
    to: Timestamp,
}

impl Kept {
    /// Forgets everything: the slots are others now.
    pub(super) fn clear(&mut self) {
        self.running.clear();
        self.bodies.clear();
        self.growths.clear();
    }

    /// The kept growth over a window, where its coarse part is as it was.
    pub(super) fn growth(&self, tiers: &Tiers, edge: Edge) -> Option<Option<f64>> {
        let stand = stand_of(tiers, edge);
        self.growths
            .iter()
            .find(|growth| growth.edge == edge && growth.stand == stand)
            .map(|growth| growth.slope)
    }

    /// Keeps the growth over a window.
    pub(super) fn keep_growth(&mut self, tiers: &Tiers, edge: Edge, slope: Option<f64>) {
        if self.growths.len() >= GROWTHS_KEPT {
            self.growths.pop_front();
        }
        self.growths.push_back(Growth { edge, stand: stand_of(tiers, edge), slope });
    }

    /// Moves the windows on by a slot that is about to be pushed, with these values.
    pub(super) fn seal(&mut self, tiers: &Tiers, start: Timestamp, values: &Dense, to: Timestamp) {
        let step = to.since(self.to);
        self.to = to;
        self.running.retain_mut(|running| {
            running.idle += 1;
            step <= STEP_MAX && running.idle <= IDLE_MAX && running.step(tiers, start, values, to)
        });
    }

    /// The numbers of a window's sealed slots.
    pub(super) fn sums(&mut self, tiers: &Tiers, edge: Edge) -> Sums {
        let mut sums = Sums::NONE;
        if edge.tier == 0 {
            tiers.body(edge).for_each(|slot| sums.add(&slot.sums));
            return sums;
        }
        let stand = stand_of(tiers, edge);
        sums = match self.bodies.iter().find(|body| body.edge == edge && body.stand == stand) {
            Some(body) => body.sums,
            None => {
                tiers.body(edge).for_each(|slot| sums.add(&slot.sums));
                // What stood otherwise cannot come back.
                self.bodies.retain(|body| body.edge.tier != edge.tier || body.stand == stand);
                if self.bodies.len() >= SUMS_KEPT {
                    self.bodies.pop_front();
                }
                self.bodies.push_back(Body { edge, stand, sums });
                sums
            }
        };
        tiers.rest(edge).for_each(|slot| sums.add(&slot.sums));
        sums
    }

    /// Calls `read` with the values of a window's sealed slots.
    pub(super) fn with_values<T>(
        &mut self,
        tiers: &Tiers,
        key: Key,
        now: Timestamp,
        read: impl FnOnce(&Groups) -> T,
    ) -> T {
        let edge = key.edge(tiers, now);
        if let Some(running) =
            self.running.iter_mut().find(|running| running.key == key && running.edge == edge)
        {
            running.idle = 0;
            return read(&running.groups);
        }
        let groups = gathered(tiers, &key, edge);
        let answer = read(&groups);
        // Between two evaluations the edge may be ahead of where the next one finds it.
        if now == tiers.open(0) {
            self.running.retain(|running| running.key != key);
            if self.running.len() >= SUMS_KEPT
                && let Some(stale) = (0..self.running.len()).max_by_key(|at| self.running[*at].idle)
            {
                self.running.swap_remove(stale);
            }
            self.running.push(Running { key, edge, groups, idle: 0 });
        }
        answer
    }

    pub(super) fn bytes(&self) -> usize {
        let groups = self.running.iter().flat_map(|running| &running.groups);
        groups.map(|(_, values)| values.bytes() + size_of::<(i64, Dense)>()).sum::<usize>()
            + self.running.capacity() * size_of::<Running>()
            + self.bodies.capacity() * size_of::<Body>()
    }
}

/// What tells one state of a window's tier from another.
fn stand_of(tiers: &Tiers, edge: Edge) -> (Timestamp, usize) {
    (tiers.open(edge.tier), tiers.len(edge.tier))
}

impl Running {
    /// Adds the new slot, takes away what has left; whether that could be done.
    fn step(&mut self, tiers: &Tiers, start: Timestamp, values: &Dense, to: Timestamp) -> bool {
        let edge = self.key.edge(tiers, to);
        if edge.tier != self.edge.tier || edge.from < self.edge.from {
            return false;
        }
        for slot in tiers.leaving(self.edge, edge.from) {
            let cell = self.key.cell(tiers, edge, slot.start);
            if let Some((_, group)) = self.groups.iter_mut().find(|(of, _)| *of == cell) {
                group.remove_packed(&slot.values);
            }
        }
        self.edge = edge;
        while self.groups.front().is_some_and(|(_, group)| group.is_empty()) {
            self.groups.pop_front();
        }
        if is_within(start, to, edge.clip) && !values.is_empty() {
            group_of(&mut self.groups, self.key.cell(tiers, edge, start)).add_dense(values);
        }
        true
    }
}

/// The values of a window from its slots.
fn gathered(tiers: &Tiers, key: &Key, edge: Edge) -> Groups {
    let mut groups = Groups::new();
    let filled = |slot: &&Slot| slot.values.bytes() > 0;
    for slot in tiers.visit(edge).filter(filled) {
        group_of(&mut groups, key.cell(tiers, edge, slot.start)).add_packed(&slot.values);
    }
    groups
}

/// The group of a sub-window; slots come in the order of time.
fn group_of(groups: &mut Groups, cell: i64) -> &mut Dense {
    if groups.back().is_none_or(|(of, _)| *of != cell) {
        groups.push_back((cell, Dense::default()));
    }
    let last = groups.len() - 1;
    &mut groups[last].1
}
