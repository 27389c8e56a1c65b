//! Conditions on alerts of one severity. They have exact times, so a count is exact.

use super::court::{Court, Role};
use super::judgement::{AlertReading, Basis, Judgement};
use super::measure::tightened;
use super::verdict::{Cause, Verdict};
use crate::metrics::Measures;
use crate::snapshot::{AlertRule, Comparison, Condition, Severity};
use crate::time::Span;

/// What `quiet_for` must have watched where the plan does not say: it is a claim on all of its time.
const QUIET_COVERAGE: f64 = 0.9;

impl<M: Measures> Court<'_, M> {
    pub(super) fn alerted(&self, condition: &Condition, severity: Severity, rule: &AlertRule) -> Judgement {
        let window = match *rule {
            AlertRule::Count { within: span, .. } | AlertRule::QuietFor(span) | AlertRule::OpenFor(span) => {
                span
            }
        };
        let mut reading = AlertReading {
            is_live: self.windows.alerts_live(),
            opened: 0,
            at: None,
            coverage: self.windows.watched(window, self.clip, self.now()),
            window,
        };
        let verdict = if !reading.is_live {
            self.absent(window)
        } else {
            match *rule {
                AlertRule::Count { within, comparison, limit } => {
                    reading.opened = self.windows.alerts_opened(severity, within, self.clip, self.now());
                    self.alert_count(condition, &reading, comparison, limit)
                }
                AlertRule::QuietFor(span) => {
                    reading.at = self.windows.alerts_last_open(severity, self.now());
                    self.alert_quiet(condition, &reading, span)
                }
                AlertRule::OpenFor(span) => {
                    // Not clipped: an alert that is still open speaks of the exposure of now.
                    reading.at = self.windows.alerts_open_since(severity);
                    let is_open = reading.at.is_some_and(|since| self.now().since(since) >= span);
                    if is_open { Verdict::Pass } else { Verdict::Fail }
                }
            }
        };
        Judgement::new(verdict, Basis::Alerts(reading))
    }

    fn alert_count(
        &self,
        condition: &Condition,
        reading: &AlertReading,
        comparison: Comparison,
        limit: u64,
    ) -> Verdict {
        let (opened, limit) = (reading.opened as f64, limit as f64);
        let holds = comparison.holds(opened, limit);
        // More of the window could only add alerts: what is exceeded stays exceeded.
        let is_settled = match self.role {
            Role::Gate => comparison.is_upper_limit() && !holds,
            Role::Trigger => !comparison.is_upper_limit() && holds,
        };
        if !is_settled && is_short(condition.coverage, reading.coverage) {
            return Verdict::Inconclusive(Cause::Coverage);
        }
        if !holds {
            return Verdict::Fail;
        }
        if self.role == Role::Gate && reading.opened == 0 && reading.coverage <= 0.0 {
            return Verdict::Inconclusive(Cause::Coverage);
        }
        // A trigger fires or does not: only a gate can be close to its limit.
        match condition.warn_within.filter(|_| self.role == Role::Gate) {
            Some(part) if limit != 0.0 && !comparison.holds(opened, tightened(comparison, limit, part)) => {
                Verdict::Warn
            }
            _ => Verdict::Pass,
        }
    }

    fn alert_quiet(&self, condition: &Condition, reading: &AlertReading, span: Span) -> Verdict {
        let now = self.now();
        if reading.at.is_some_and(|last| last >= now || (last > now - span && last > self.clip.from)) {
            return Verdict::Fail;
        }
        if is_short(condition.coverage.or(Some(QUIET_COVERAGE)), reading.coverage) {
            return Verdict::Inconclusive(Cause::Coverage);
        }
        Verdict::Pass
    }
}

/// Whether a window was watched and fed less than is asked.
pub(super) fn is_short(asked: Option<f64>, covered: f64) -> bool {
    // A part of a window is a quotient: a billionth is its rounding.
    asked.is_some_and(|asked| covered + 1e-9 < asked)
}
