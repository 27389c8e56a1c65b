//! A small plan that is right, and everything that can be wrong with it, by theme.

mod conditions;
mod document;
mod measures;
mod notices;
mod phases;
mod plan;
mod rules;
mod warned;

pub(crate) use plan::{Case, PLAN, broken};
pub(crate) use warned::WARNED;
