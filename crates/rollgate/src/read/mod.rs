//! Plan files: YAML, TOML and JSON into one located tree, and the tree into a ruleset.

mod file;
mod json;
mod toml;
mod yaml;

pub use file::{
    Format, ReadError, Refused, config, object, plan_file, plan_file_with_text, ruleset, text, tree,
};
