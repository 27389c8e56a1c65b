//! Reports of the running engine: read at any time, and nothing stops or moves for them.

use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::metrics::Hour;
use rollgate_core::report::{self, Document, Table, local};
use rollgate_core::snapshot::{MetricView, Stat};
use rollgate_core::time::{Span, Timestamp};

use super::control::Control;
use super::handle::Engine;
use super::log::{self, AlertsBetween};
use super::metric::names;
use super::summary;

/// What can be reported beside scorecards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// What the plan says of itself, and its phases with their objectives.
    Plan,
    /// A few lines for the morning.
    Summary,
    /// Alerts between yesterday evening and this morning.
    Overnight,
    /// ON against OFF, now and day by day.
    Arms,
    /// Baseline, target and what is now.
    Baseline,
    /// What is asked, phase by phase and in production.
    Targets,
    /// The last minutes.
    Realtime,
    /// Hours and days.
    Performance,
    /// Levels, their growth and their limits.
    Capacity,
    /// The last seven days by hour of the day.
    Hours,
    /// Levels in half a year.
    Projection,
}

impl Report {
    /// Every report.
    pub const ALL: [Self; 11] = [
        Self::Plan,
        Self::Summary,
        Self::Overnight,
        Self::Arms,
        Self::Baseline,
        Self::Targets,
        Self::Realtime,
        Self::Performance,
        Self::Capacity,
        Self::Hours,
        Self::Projection,
    ];

    /// As it is asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Summary => "summary",
            Self::Overnight => "overnight",
            Self::Arms => "arms",
            Self::Baseline => "baseline",
            Self::Targets => "targets",
            Self::Realtime => "realtime",
            Self::Performance => "performance",
            Self::Capacity => "capacity",
            Self::Hours => "hours",
            Self::Projection => "projection",
        }
    }
}

impl Engine {
    /// A report, of now.
    pub fn report(&self, report: Report) -> Document {
        self.shared.with_control(|control, now| document(control, report, now))
    }

    /// The lines of the morning: for a team's meeting, or a message.
    pub fn summary(&self) -> String {
        self.shared.with_control(|control, now| summary::lines(control, now).join("\n") + "\n")
    }

    /// Alerts that were opened, or open, in [`from`, `to`) of the calendar.
    pub fn alerts_between(&self, from: Timestamp, to: Timestamp) -> AlertsBetween {
        self.shared.with_control(|control, _| log::alerts_between(control, from, to))
    }

    /// Alerts between the last evening and the last morning before now; both are minutes after midnight in the plan's zone.
    pub fn alerts_overnight(&self, evening: u16, morning: u16) -> AlertsBetween {
        self.shared.with_control(|control, now| {
            let (from, to) = summary::night(control, evening, morning, now);
            log::alerts_between(control, from, to)
        })
    }

    /// A metric's statistic over the last `over`, in these hours of the day (in the plan's zone) taken together.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownName`] where the plan has no such metric.
    pub fn in_hours(
        &self,
        metric: &str,
        stat: Stat,
        over: Span,
        hours: std::ops::Range<usize>,
    ) -> Result<Hour, Error> {
        let ruleset = self.ruleset();
        let Some(id) = ruleset.metric_of(metric) else {
            let why =
                format_args!("the plan has no metric `{metric}`; it has {}", names(ruleset)).to_string();
            return Err(Error::new(ErrorKind::UnknownName, why));
        };
        Ok(self.shared.with_control(|control, now| {
            let zone = control.ruleset.timezone.as_str();
            let part = |at| usize::from(!hours.contains(&local::hour_of(zone, now.wall_of(at))));
            control.windows.by_hour(id, stat, over, now.observed, part)[0]
        }))
    }

    /// Metrics, shares, statuses and verdicts in Prometheus' text format.
    pub fn prometheus(&self) -> String {
        self.shared.with_control(|control, now| super::exposition::of(control, now).to_text())
    }
}

fn document(control: &Control, report: Report, now: rollgate_core::time::Now) -> Document {
    let standing = control.standing(now);
    let of = |tables: Vec<Table>| {
        let at = local::calendar(control.ruleset.timezone.as_str(), now.wall);
        let status = control.state.status.name().replace('_', " ");
        let phase = standing.phase().map_or_else(String::new, |phase| format!(", {}", phase.title));
        Document {
            report: report.name(),
            title: control.ruleset.title.clone(),
            lines: vec![format!("{at}, {status}{phase}")],
            tables,
            notes: Vec::new(),
        }
    };
    match report {
        Report::Plan => report::plan(&standing),
        Report::Summary => Document { notes: summary::lines(control, now), ..of(Vec::new()) },
        Report::Overnight => {
            let (from, to) = summary::night(control, summary::EVENING, summary::morning(control), now);
            of(vec![log::alerts_between(control, from, to).table(control.ruleset.timezone.as_str())])
        }
        Report::Arms => {
            let mut tables: Vec<Table> = report::arms(&standing).into_iter().collect();
            tables.push(report::kept(&standing, 92));
            of(tables)
        }
        Report::Baseline => of(vec![report::baseline(&standing)]),
        Report::Targets => of(report::targets(&standing)),
        Report::Realtime => of(vec![report::view(&standing, MetricView::Realtime)]),
        Report::Performance => of(vec![report::view(&standing, MetricView::Performance)]),
        Report::Capacity => of(vec![report::view(&standing, MetricView::Capacity)]),
        Report::Hours => of(report::hours(&standing)),
        Report::Projection => of(vec![report::projection(&standing)]),
    }
}
