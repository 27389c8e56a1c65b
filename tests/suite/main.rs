//! The whole, from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod actions_host;
mod broken;
mod calendar;
mod calendar_plan;
mod calendar_properties;
mod errors;
mod flags;
mod fuzzed;
mod mutants;
mod mutants_decide;
mod notices;
mod operators;
mod properties;
mod requirements_gates;
mod requirements_metrics;
mod rules;
mod scenario_actions;
mod scenario_after;
mod scenario_alerts;
mod scenario_contingency;
mod scenario_decisions;
mod scenario_evidence;
mod scenario_happy;
mod scenario_operator;
mod scenario_plans;
mod scenario_proposals;
mod scenario_removal;
mod scenario_reports;
mod scenario_rollback;
mod scenario_sustained;
mod scenario_time;
mod scenario_triggers;
mod schedule;
mod simulation;
