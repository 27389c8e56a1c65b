//! The plan file, key by key.
//!
//! ```
//! use rollgate::read::{Format, ruleset};
//!
//! // Every problem is found at once, each with its place and how to mend it.
//! let plan = "{ version: 1, name: x, flags: { A: { share: 1 } }, metrics: { m: { kind: gauge } } }";
//! let problems = ruleset(plan, Format::Yaml).unwrap_err().to_string();
//! assert!(problems.contains("flags.A.share") && problems.contains("metrics.m"), "{problems}");
//!
//! // A plan with every key of this page.
//! let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/every-key.yaml");
//! let compiled = rollgate::read::plan_file(path.as_ref());
//! assert!(compiled.is_ok());
//! ```
#![doc = ""]
#![doc = include_str!("plan_reference.md")]
