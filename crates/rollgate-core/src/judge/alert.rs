//! Conditions on alerts of one severity. They have exact times, so a count is exact.

use super::court::{Court, Lead, Proof, Role};
use super::judgement::{AlertReading, Basis, Judgement};
use super::measure::{strict, tightened};
use super::verdict::{Cause, Verdict};
use crate::metrics::Measures;
use crate::snapshot::{AlertRule, Condition, Severity};
use crate::time::{Span, Timestamp};

/// What `quiet_for` must have watched where the plan does not say: it is a claim on all of its time.
pub(super) const QUIET_COVERAGE: f64 = 0.9;

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
            open_since: None,
            coverage: self.windows.watched(window, self.clip, self.now()),
            window,
        };
        // What came is evidence, also of a source that is not live; only that nothing came is none.
        let (holds, proof) = match *rule {
            AlertRule::Count { within, comparison, limit } => {
                reading.opened = self.windows.alerts_opened(severity, within, self.clip, self.now());
                let holds = comparison.holds(reading.opened as f64, limit as f64);
                let is_final = comparison.is_upper_limit() != holds;
                (holds, if is_final { Proof::Final } else { Proof::Open })
            }
            AlertRule::QuietFor(span) => {
                reading.at = self.windows.alerts_last_open(severity, self.now());
                reading.open_since = self.windows.alerts_open_since(severity);
                let is_quiet = !reading.at.is_some_and(|last| self.is_recent(last, span));
                (is_quiet, if is_quiet { Proof::Open } else { Proof::Final })
            }
            AlertRule::OpenFor(span) => {
                // Not clipped: an alert that is still open speaks of the exposure of now.
                reading.at = self.windows.alerts_open_since(severity);
                let is_open = reading.at.is_some_and(|since| self.now().since(since) >= span);
                (is_open, if is_open { Proof::Final } else { Proof::Open })
            }
        };
        let verdict = self.alert_verdict(condition, rule, &reading, holds, proof);
        Judgement::new(verdict, Basis::Alerts(reading))
    }

    /// Whether an alert that was last open then was open in the last `span`, and not before the clip only.
    fn is_recent(&self, last: Timestamp, span: Span) -> bool {
        let now = self.now();
        last >= now || (last > now - span && last > self.clip.from)
    }

    fn alert_verdict(
        &self,
        condition: &Condition,
        rule: &AlertRule,
        reading: &AlertReading,
        holds: bool,
        proof: Proof,
    ) -> Verdict {
        if !self.is_settled(holds, proof) {
            if !reading.is_live {
                return self.absent(reading.window);
            }
            let asked = condition.coverage.or(match *rule {
                AlertRule::QuietFor(_) => Some(QUIET_COVERAGE),
                // Alerts that nobody saw may be the ones that would keep it from firing.
                AlertRule::Count { .. } if self.role == Role::Trigger && proof == Proof::Open => {
                    (self.lead(holds) == Lead::To).then_some(1.0)
                }
                AlertRule::Count { .. } | AlertRule::OpenFor(_) => None,
            });
            let is_unwatched =
                reading.coverage <= 0.0 && (self.role == Role::Gate || self.lead(holds) == Lead::To);
            // An open alert is open whatever was watched of the time before.
            let is_state = matches!(rule, AlertRule::OpenFor(_));
            if (is_unwatched && proof == Proof::Open) || (!is_state && is_short(asked, reading.coverage)) {
                return Verdict::Inconclusive(Cause::Coverage);
            }
        }
        match *rule {
            _ if !holds => Verdict::Fail,
            // A trigger fires or does not: only a gate can be close to its limit.
            AlertRule::Count { comparison, limit, .. } if self.role == Role::Gate => {
                let (opened, limit) = (reading.opened as f64, limit as f64);
                let tight = |part| strict(comparison).holds(opened, tightened(comparison, limit, part));
                let is_close = condition.warn_within.is_some_and(|part| limit != 0.0 && !tight(part));
                if is_close { Verdict::Warn } else { Verdict::Pass }
            }
            _ => Verdict::Pass,
        }
    }
}

/// Whether a window was watched and fed less than is asked.
pub(super) fn is_short(asked: Option<f64>, covered: f64) -> bool {
    // A part of a window is a quotient: a billionth is its rounding.
    asked.is_some_and(|asked| covered + 1e-9 < asked)
}
