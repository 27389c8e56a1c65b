//! Actions before a step as deciding reads them.

use crate::id::{Key, RoleId};
use crate::time::Span;

/// What must succeed before a step's shares apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepAction {
    /// Its key in the step.
    pub key: Key,
    /// What it does; the key where nothing is written.
    pub title: String,
    /// What is to be run, in words of the host's.
    pub run: Option<String>,
    /// What its trimmed output must be.
    pub expect: Option<String>,
    /// Who answers for it.
    pub owner: Option<RoleId>,
    /// How long it may take, in observed time.
    pub timeout: Span,
}
