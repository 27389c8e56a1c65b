//! `rollgate demo`: the memory-system plan on simulated traffic and a fake clock, from start to 100 % and the end of stabilisation.
//!
//! The traffic and the people are simulated, and the output says so. Everything that judges them is the real engine:
//! recorders, windows, triggers, gates, decisions, journal.

mod people;
mod play;
mod screen;
mod story;
mod traffic;

pub(crate) use play::run;
