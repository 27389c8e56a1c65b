//! `rollgate rehearse`: every trigger of a plan is made to fire on a fake clock, through the real engine.

mod drill;
mod fault;
mod levels;
mod show;
mod stage;

pub(crate) use show::run;
