//! A snapshot, a flag and a context to an answer, and why. It never fails, blocks, allocates or panics.

mod alone;
mod answer;
mod context;
mod explain;
mod target;
#[cfg(test)]
mod tests;
mod value;
mod walk;

pub use alone::{is_alone, is_on_alone};
pub use answer::{ErrorCode, Evaluation, Reason, Variant};
pub use context::{Attribute, Context, FlagRef};
pub use explain::{Explain, Note, Quiet, Trail};
pub use value::{Served, Value, served};
pub use walk::{evaluate, evaluate_with, reach};
