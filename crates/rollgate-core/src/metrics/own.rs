//! What each process judges by itself, in windows that came from another one.

use super::Windows;
use crate::snapshot::Scope;

impl Windows {
    /// Takes metrics of scope `instance`, and alerts of that scope, from windows of this process: what another one
    /// recorded of them is none of its business. `own` must be of the same plan.
    ///
    /// When `own` was not watched, they were not fed: of a process that has just begun, nothing is known from before.
    pub fn take_own(&mut self, own: Self) {
        let Self { series, mut alerts, alerts_dropped, unwatched, .. } = own;
        let scopes = self.ruleset.metrics.iter().map(|metric| metric.scope);
        for ((here, mut own), scope) in self.series.iter_mut().zip(series).zip(scopes) {
            if scope == Scope::Instance {
                own.feed.gaps = own.feed.gaps.joined(&unwatched);
                *here = own;
            }
        }
        if self.ruleset.alerts == Scope::Instance {
            alerts.feed.gaps = alerts.feed.gaps.joined(&unwatched);
            self.alerts = alerts;
            self.alerts_dropped = alerts_dropped;
        }
    }
}
