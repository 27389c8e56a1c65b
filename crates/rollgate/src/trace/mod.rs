//! One line of a trace to one typed event (INTERFACES 2). It knows the format, not the plan.

mod command;
mod error;
mod fields;
mod line;
mod parse;
mod read;
#[cfg(test)]
mod tests;

pub use error::TraceError;
pub use line::{Event, Line, Live, Sample};
pub use parse::{parse_command, parse_line};
pub use read::read_line;
