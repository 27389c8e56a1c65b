//! What a line of a trace says.

use std::borrow::Cow;

use rollgate_core::decide::Command;
use rollgate_core::metrics::Arm;
use rollgate_core::snapshot::Severity;
use rollgate_core::time::Timestamp;

/// One line: what happened, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event<'a>,
}

/// What happened. Names are as written; whether the plan has them is not known here.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// Values of a distribution or a gauge, in the metric's unit.
    Sample(Sample<'a>),
    /// Outcomes of a ratio.
    Outcomes {
        /// The metric.
        metric: Cow<'a, str>,
        /// How many were true; never more than `total`.
        true_count: u64,
        /// Of how many.
        total: u64,
        /// The flag and the side of it, where the line names them.
        arm: Option<(Cow<'a, str>, Arm)>,
        /// The subject that the arms follow from; never beside `arm`.
        key: Option<Cow<'a, str>>,
    },
    /// Events of an event metric.
    Events {
        /// The metric.
        metric: Cow<'a, str>,
        /// How many.
        count: u64,
    },
    /// A score that was measured elsewhere.
    Points {
        /// The metric.
        metric: Cow<'a, str>,
        /// The score.
        points: f64,
    },
    /// One answer of a score.
    Rating {
        /// The metric.
        metric: Cow<'a, str>,
        /// The answer; outside 0 ..= 10 the recorder counts it as invalid.
        rating: f64,
        /// The flag and the side of it, where the line names them.
        arm: Option<(Cow<'a, str>, Arm)>,
        /// The subject that the arms follow from; never beside `arm`.
        key: Option<Cow<'a, str>>,
    },
    /// An alert opened.
    AlertOpened {
        /// How bad.
        severity: Severity,
        /// Its id; 1 to [`ALERT_ID_BYTES_MAX`](rollgate_core::limits::ALERT_ID_BYTES_MAX) bytes.
        id: Cow<'a, str>,
    },
    /// An alert closed.
    AlertClosed {
        /// Its id.
        id: Cow<'a, str>,
    },
    /// Sources are watched from here on: their silence is evidence.
    Live(Live<'a>),
    /// Somebody asked for something.
    Command(Command),
    /// Time has reached this line, and nothing else happened.
    Tick,
    /// The process was away, and came back at this line.
    Restart {
        /// When it ended.
        down_since: Timestamp,
    },
}

/// Which sources are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live<'a> {
    /// Every event metric, and the alerts.
    All,
    /// These metrics; `alerts` stands for the alerts.
    Sources(Vec<Cow<'a, str>>),
}

/// Values of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The metric.
    pub metric: Cow<'a, str>,
    /// How many samples the one value stands for; `None` is one. Never beside several values.
    pub count: Option<u64>,
    /// The flag and the side of it, where the line names them.
    pub arm: Option<(Cow<'a, str>, Arm)>,
    /// The subject that the arms follow from; never beside `arm`.
    pub key: Option<Cow<'a, str>>,
    pub(super) values: Values,
}

/// One value without an allocation, or several.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    One(f64),
    Many(Vec<f64>),
}

impl Sample<'_> {
    /// The values, in written order; at least one.
    pub fn values(&self) -> &[f64] {
        match &self.values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }
}
