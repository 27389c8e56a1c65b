//! Scorecards: Metric | Target | Actual | Status, as text, Markdown and (through serde) JSON.

mod register;
mod render;
mod scorecard;

pub use register::{RiskRegister, RiskRow, RiskTrigger};
pub use scorecard::{Form, Row, RowStatus, Scorecard, Section};
