//! Scorecards: Metric | Target | Actual | Status, as text, Markdown and (through serde) JSON.

mod render;
mod scorecard;

pub use scorecard::{Form, Row, RowStatus, Scorecard, Section};
