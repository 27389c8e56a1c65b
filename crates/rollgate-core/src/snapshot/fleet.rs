//! Several engines on one store, and what is measured elsewhere.

use crate::time::Span;

/// Whose samples are judged together, where engines share a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those of all nodes.
    #[default]
    Fleet,
    /// Each node judges its own.
    Instance,
}

impl Scope {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Instance => "instance",
        }
    }
}

/// A query that gives a metric its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSource {
    /// In PromQL; it gives one value, in the metric's unit.
    pub promql: String,
    /// How often it is asked.
    pub every: Span,
}

/// The Prometheus server of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// Its address, without a slash at the end; `None`: the program says it.
    pub url: Option<String>,
    /// How long one answer may take.
    pub timeout: Span,
    /// The user, where it asks for one.
    pub username: Option<String>,
    /// Where its password, or without a user a bearer token, is found.
    pub secret: Option<Secret>,
}

/// Where a secret is found. Plans hold none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In the environment variable of this name.
    Env(String),
    /// In the file at this path.
    File(String),
}
