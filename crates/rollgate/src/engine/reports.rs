//! Reports of the running engine: read at any time, and nothing stops or moves for them.
//!
//! What the windows say is measured under the engine's lock; what the journal says is read after it.

use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::metrics::Hour;
use rollgate_core::report::{self, Document, Table, local};
use rollgate_core::snapshot::{MetricView, Stat};
use rollgate_core::time::{Now, Span, Timestamp};

use super::control::Control;
use super::handle::Engine;
use super::log::{self, AlertsBetween, Later};
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
        let later = self.shared.with_control(|control, now| document(control, report, now));
        later()
    }

    /// The lines of the morning: for a team's meeting, or a message.
    pub fn summary(&self) -> String {
        let later = self.shared.with_control(|control, now| summary::lines(control, now));
        later().join("\n") + "\n"
    }

    /// Alerts that were opened, or open, in [`from`, `to`) of the calendar.
    pub fn alerts_between(&self, from: Timestamp, to: Timestamp) -> AlertsBetween {
        let journal = self.shared.with_control(|control, _| control.journal.clone());
        log::alerts_between(&journal, from, to)
    }

    /// Alerts between the last evening and the last morning before now; both are minutes after midnight in the plan's zone.
    pub fn alerts_overnight(&self, evening: u16, morning: u16) -> AlertsBetween {
        let ((from, to), journal) = self.shared.with_control(|control, now| {
            (summary::night(control, evening, morning, now), control.journal.clone())
        });
        log::alerts_between(&journal, from, to)
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
        let exposition = self.shared.with_control(|control, now| super::exposition::of(control, now));
        exposition.to_text()
    }
}

fn document(control: &Control, report: Report, now: Now) -> Later<Document> {
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
    let document = match report {
        Report::Plan => report::plan(&standing),
        Report::Summary => {
            let (document, lines) = (of(Vec::new()), summary::lines(control, now));
            return Box::new(move || Document { notes: lines(), ..document });
        }
        Report::Overnight => {
            let (from, to) = summary::night(control, summary::EVENING, summary::morning(control), now);
            let (document, zone) = (of(Vec::new()), control.ruleset.timezone.clone());
            let journal = control.journal.clone();
            return Box::new(move || {
                let alerts = log::alerts_between(&journal, from, to);
                Document { tables: vec![alerts.table(zone.as_str())], ..document }
            });
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
    };
    Box::new(|| document)
}

#[cfg(test)]
mod tests {
    use rollgate_core::report::{Form, Scorecard};

    use super::super::log::READ;
    use super::super::{exposition, scorecard};
    use super::*;
    use crate::clock::ManualClock;
    use crate::read::Format;

    const PLAN: &str = "
version: 1
name: read
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 100% } } ]
    gates: { heap: { metric: heap, stat: max, over: 10m, below: 500MB } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

    /// Exposed, with an alert and a remark to report.
    fn exposed() -> Engine {
        let clock = ManualClock::at(Timestamp(1_768_816_800_000));
        let engine = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().clock(clock).build().unwrap();
        engine.start("on_call").unwrap();
        engine.alerts().open_alert(rollgate_core::snapshot::Severity::Warning, "disk").unwrap();
        engine.annotate("on_call", "a quiet day", None).unwrap();
        engine.metric("heap").unwrap().record(100.0);
        assert!(engine.is_on("NEW", "somebody"));
        engine
    }

    /// What is taken under the lock reads no journal; what is left needs no lock, and a recording call that comes between
    /// the two rolls back at once. Whether the journal was read at all.
    fn reads<T: PartialEq + std::fmt::Debug>(
        take: impl FnOnce(&mut Control, Now) -> Later<T>,
        whole: impl FnOnce(&Engine) -> T,
    ) -> bool {
        let engine = exposed();
        let wanted = whole(&engine);
        let before = READ.get();
        let later = engine.shared.with_control(take);
        assert_eq!(READ.get(), before, "the journal is read under the lock");
        engine.metric("heap").unwrap().record(2_000.0);
        assert!(!engine.is_on("NEW", "somebody"), "the trigger waits for the report");
        let held = engine.shared.control();
        // This would never return if it needed the lock.
        let found = later();
        drop(held);
        assert_eq!(found, wanted, "the report is of the instant at which it was asked for");
        READ.get() > before
    }

    #[test]
    fn a_trigger_in_a_recording_call_fires_while_a_report_is_being_made() {
        for report in Report::ALL {
            let has_read =
                reads(|control, now| document(control, report, now), |engine| engine.report(report));
            assert_eq!(has_read, matches!(report, Report::Summary | Report::Overnight), "{report:?}");
        }
        for form in [Form::Daily, Form::Weekly, Form::Phase, Form::Final] {
            let take = |control: &mut Control, now| scorecard::whole(control, form, now);
            let has_read = reads::<Scorecard>(take, |engine| engine.scorecard(form));
            assert_eq!(has_read, form == Form::Weekly, "{form:?}");
        }
        let has_read = reads(
            |control, now| {
                let exposition = exposition::of(control, now);
                Box::new(move || exposition.to_text())
            },
            Engine::prometheus,
        );
        assert!(!has_read, "what a server scrapes every few seconds reads no journal at all");
    }
}
