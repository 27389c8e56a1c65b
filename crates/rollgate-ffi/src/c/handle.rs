//! Handles: numbers that say whose they are, checked against the slot of their engine.
//!
//! A handle is a generation (31 bits), a kind (4), a place (12) and a slot (16). The slot of an open engine holds the
//! engine's own handle as its tag. The handles of its metrics differ from it in kind and place only, so one comparison
//! finds a stale, foreign or null handle and one of another kind. A generation is given out once; a slot whose generations
//! are used up is never used again.
//!
//! What C gets as a flag's handle is another number, which leads to the flag without its engine: see
//! `cells`. Its highest bit is set, and none of these has that.

/// An engine. All zero is no engine.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EngineHandle {
    /// Opaque.
    pub id: u64,
}

/// One flag of an engine: the fast path. All zero is no flag, which is off. It is valid until its engine is closed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FlagHandle {
    /// Opaque.
    pub id: u64,
}

/// One metric of an engine. All zero is no metric. It is valid until its engine is closed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MetricHandle {
    /// Opaque.
    pub id: u64,
}

const KIND_SHIFT: u32 = 28;
const PLACE_SHIFT: u32 = 16;
/// What the handles of one engine have in common, and the kind.
const WITHOUT_PLACE: u64 = !(0xfff << PLACE_SHIFT);

/// The last generation: one bit tells the handles of flags apart.
pub(super) const GENERATION_LAST: u32 = u32::MAX >> 1;

/// Slots that a handle can name.
pub(super) const SLOTS: usize = 1 << 16;

/// What a handle is of. Zero is not used, so that no handle is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Engine = 1,
    Flag = 2,
    Metric = 3,
}

/// The handle of an engine: the tag of its slot.
pub(super) fn of_engine(slot: u16, generation: u32) -> u64 {
    u64::from(generation) << 32 | (Kind::Engine as u64) << KIND_SHIFT | u64::from(slot)
}

/// The handle of something of an engine.
pub(super) fn of_part(engine: u64, kind: Kind, place: usize) -> u64 {
    let place = (place as u64) << PLACE_SHIFT & !WITHOUT_PLACE;
    (engine ^ (Kind::Engine as u64 ^ kind as u64) << KIND_SHIFT) | place
}

/// Whether a number may be an engine's handle: it has that kind, and names no place.
#[inline]
pub(super) const fn is_engine(handle: u64) -> bool {
    handle & 0xffff_0000 == (Kind::Engine as u64) << KIND_SHIFT
}

/// The slot that a handle names; every number names one.
#[inline]
pub(super) const fn slot(handle: u64) -> u16 {
    handle as u16
}

/// The place that a handle names.
#[inline]
pub(super) const fn place(handle: u64) -> usize {
    (handle >> PLACE_SHIFT & 0xfff) as usize
}

/// The engine's handle behind one of a kind. That of another kind gives a number that no engine has.
#[inline]
pub(super) const fn engine_of(handle: u64, kind: Kind) -> u64 {
    handle & WITHOUT_PLACE ^ (Kind::Engine as u64 ^ kind as u64) << KIND_SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lead_back_to_their_engine_and_no_other_kind_does() {
        for (index, generation) in [(0, 1), (7, 1), (u16::MAX, GENERATION_LAST)] {
            let engine = of_engine(index, generation);
            for (kind, other) in [(Kind::Flag, Kind::Metric), (Kind::Metric, Kind::Flag)] {
                for at in [0, 1, 4_095] {
                    let part = of_part(engine, kind, at);
                    assert_eq!((slot(part), place(part)), (index, at));
                    assert_eq!(engine_of(part, kind), engine);
                    assert_ne!(engine_of(part, other), engine);
                    assert!(is_engine(engine) && !is_engine(part));
                }
            }
            assert_ne!(engine_of(engine, Kind::Flag), engine);
        }
    }

    #[test]
    fn places_hold_every_flag_and_metric_of_a_plan() {
        const { assert!(rollgate::core::limits::FLAGS_MAX <= 4_096) };
        const { assert!(rollgate::core::limits::METRICS_MAX <= 4_096) };
    }
}
