//! The whole, from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod errors;
mod flags;
mod properties;
mod scenario_alerts;
mod scenario_contingency;
mod scenario_decisions;
mod scenario_evidence;
mod scenario_happy;
mod scenario_operator;
mod scenario_plans;
mod scenario_proposals;
mod scenario_rollback;
mod scenario_sustained;
mod scenario_time;
mod scenario_triggers;
