//! Plan files: YAML, TOML and JSON into one located tree, and the tree into a ruleset.

mod file;
mod toml;
mod yaml;

pub use file::{Format, ReadError, Refused, plan_file, ruleset, tree};
