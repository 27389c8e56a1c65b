//! The judge against scripted windows: every kind of condition, streaks, properties, known answers.

mod arms;
mod compare;
mod contrast;
mod evidence;
mod fake;
mod leaves;
mod measure;
mod model;
mod properties;
mod real;
mod simulation;
mod statistics;
mod sustained;
mod words;
