//! Warnings: what may run, and should be looked at.

use super::reader::Reader;
use crate::config::Node;
use crate::snapshot::Ruleset;

/// Looks for what a careful reviewer of the plan would ask about.
pub(super) fn lint(_reader: &mut Reader, _ruleset: &Ruleset, _tree: &Node) {}
