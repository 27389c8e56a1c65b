//! Scorecards and reports: text, Markdown, (through serde) JSON, and the Prometheus exposition.

mod baseline;
mod contrast;
pub mod local;
mod plan;
mod projection;
pub mod prometheus;
mod register;
mod render;
mod scorecard;
mod standing;
mod table;
mod targets;
mod views;

pub use baseline::baseline;
pub use contrast::{arms, in_words, kept};
pub use plan::plan;
pub use projection::projection;
pub use register::{RiskRegister, RiskRow, RiskTrigger};
pub use scorecard::{Form, Part, Row, RowStatus, Scorecard, Section};
pub use standing::Standing;
pub use table::{Cell, Document, Table, Width};
pub use targets::targets;
pub use views::{hours, is_in, view};
