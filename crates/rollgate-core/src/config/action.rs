//! Actions before a step as they are written.

use serde::{Deserialize, Serialize};

use super::WrittenSpan;

/// What must succeed before a step's shares apply: a backup, a migration, a verification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActionConfig {
    /// What it does, for people; the key unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be run: a command line, or any name that the host understands. The library runs nothing itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What its output must be, without the white space around it; any other output is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// The role that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// It has failed where its result is not there after this time: 10m unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<WrittenSpan>,
}
