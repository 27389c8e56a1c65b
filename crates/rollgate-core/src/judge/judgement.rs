//! A verdict with its raw evidence, cheap enough for the hot path: no text, and no allocation for one leaf.

use super::compare::Compared;
use super::trend::Trended;
use super::verdict::Verdict;
use crate::metrics::{Measurement, Tail};
use crate::time::{Span, Timestamp};

/// A verdict, and what a [`Finding`](super::Finding) is written from without measuring again.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    pub(super) basis: Basis,
}

impl Judgement {
    pub(super) const fn new(verdict: Verdict, basis: Basis) -> Self {
        Self { verdict, basis }
    }
}

/// What a verdict rests on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Basis {
    /// Facts of the rollout, which the finding reads again.
    Facts,
    /// A measurement.
    Measured(Reading),
    /// A trend.
    Trended(Trended),
    /// Alerts.
    Alerts(AlertReading),
    /// ON against OFF.
    Compared(Compared),
    /// `only_if` did not pass: what it rests on.
    Unasked(Box<Judgement>),
    /// The members, in the order of the plan.
    Group(Vec<Judgement>),
}

/// A measurement with what was done with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// As the window gave it.
    pub(super) measurement: Measurement,
    /// What was set against the limit: the value, or its change against the baseline.
    pub(super) range: Option<Range>,
    /// The baseline, where there is one.
    pub(super) baseline: Option<f64>,
    /// The first evaluation of the streak.
    pub(super) since: Option<Timestamp>,
    /// Samples beyond the limit, where low traffic was judged by them.
    pub(super) tail: Option<Tail>,
}

impl Reading {
    /// A measurement before anything is done with it.
    pub(super) const fn bare(measurement: Measurement) -> Self {
        Self { measurement, range: None, baseline: None, since: None, tail: None }
    }
}

/// What was seen of the alerts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AlertReading {
    /// Whether their source is live.
    pub(super) is_live: bool,
    /// Opened in the window.
    pub(super) opened: u64,
    /// When one was last open, or since when one has been open.
    pub(super) at: Option<Timestamp>,
    /// Since when one has been open.
    pub(super) open_since: Option<Timestamp>,
    /// The watched part of the window.
    pub(super) coverage: f64,
    /// The window as written.
    pub(super) window: Span,
}

/// A number that is known up to the width of its bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    /// The value to show.
    pub(super) value: f64,
    /// The smallest that it can be.
    pub(super) low: f64,
    /// What it is below, or where `is_exact` equal to.
    pub(super) high: f64,
    /// Whether it is known exactly.
    pub(super) is_exact: bool,
}

impl Range {
    /// A number that is known exactly.
    pub(super) const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value, is_exact: true }
    }
}
