//! Windows against a plain model that keeps every sample, and the corners that it does not reach.

mod corners;
mod damaged;
mod merged;
mod model;
mod properties;
mod stored;
mod story;

use std::sync::Arc;

use super::Windows;
use crate::id::{Key, MetricId};
use crate::snapshot::{Direction, Metric, MetricKind, Ruleset};
use crate::time::{Span, Timestamp};
use crate::units::Unit;

pub(super) const LATENCY: MetricId = MetricId(0);
pub(super) const ERRORS: MetricId = MetricId(1);
pub(super) const HEAP: MetricId = MetricId(2);
pub(super) const CRASHES: MetricId = MetricId(3);
pub(super) const NPS: MetricId = MetricId(4);

/// 2026-01-19T10:00:00Z.
pub(super) const START: Timestamp = Timestamp(1_768_816_800_000);

pub(super) fn at(seconds: u64) -> Timestamp {
    START + Span::seconds(seconds)
}

/// One metric of each kind.
pub(super) fn ruleset(every: Span) -> Arc<Ruleset> {
    let metric = |key: &str, kind, unit, max_gap| Metric {
        key: Key::new(key),
        description: String::new(),
        kind,
        unit,
        good: Some(Direction::Down),
        arms: Vec::new(),
        max_gap,
        is_curable: true,
        view: None,
        scope: Default::default(),
        source: None,
    };
    let minutes = Span::minutes(10);
    Arc::new(Ruleset {
        holdbacks: Vec::new(),
        name: Key::new("windows"),
        title: String::new(),
        about: Default::default(),
        hash: Key::new("0"),
        timezone: Key::new("UTC"),
        evaluate_every: every,
        quorum: 1,
        alerts: Default::default(),
        prometheus: None,
        expected_traffic: None,
        flags: Vec::new(),
        metrics: vec![
            metric("latency", MetricKind::Distribution, Unit::Ms, minutes),
            metric("errors", MetricKind::Ratio, Unit::Percent, minutes),
            metric("heap", MetricKind::Gauge, Unit::MB, minutes),
            metric("crashes", MetricKind::Event, Unit::Count, minutes),
            metric("nps", MetricKind::Score, Unit::Points, Span::hours(48)),
        ],
        roles: Vec::new(),
        baselines: Vec::new(),
        streaks: 0,
        plan: None,
        flag_index: Vec::new(),
    })
}

pub(super) fn windows(every: Span) -> Windows {
    Windows::new(ruleset(every), START)
}
