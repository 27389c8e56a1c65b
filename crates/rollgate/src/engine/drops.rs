//! Journals what was dropped, soon and not too often: a flood of bad samples must not fill the journal either.

use rollgate_core::decide::Body;
use rollgate_core::id::Key;
use rollgate_core::time::{Now, Span, Timestamp};

use super::control::Control;

/// Records about one metric that may follow each other at once; one more may follow every hour.
const AT_ONCE: u64 = 16;
const EACH: Span = Span::hours(1);

/// What the journal has of one metric's drops.
#[derive(Clone, Debug)]
struct Told {
    metric: Option<Key>,
    count: u64,
    /// Records that may be written now, and since when one more has been growing.
    credit: u64,
    since: Timestamp,
}

/// What the journal has of all drops.
#[derive(Clone, Debug, Default)]
pub(super) struct Drops {
    told: Vec<Told>,
    in_all: u64,
}

/// How much of it is journalled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thrift {
    /// Not too often.
    Paced,
    /// All of it: nothing comes after.
    Last,
}

impl Drops {
    /// What has been dropped and not been journalled, as far as it may be now.
    fn due(&mut self, control: &Control, thrift: Thrift, now: Timestamp) -> Vec<(Option<Key>, u64)> {
        let in_all = control.windows.drops_in_all();
        if in_all == self.in_all {
            return Vec::new();
        }
        let mut due = Vec::new();
        let mut is_all = true;
        for (metric, total) in control.windows.drops() {
            let at = match self.told.iter().position(|told| told.metric == metric) {
                Some(at) => at,
                None => {
                    let metric = metric.clone();
                    self.told.push(Told { metric, count: 0, credit: AT_ONCE, since: now });
                    self.told.len() - 1
                }
            };
            let told = &mut self.told[at];
            let hours = now.since(told.since).0 / EACH.0;
            told.since = told.since + Span(hours * EACH.0);
            told.credit = (told.credit + hours).min(AT_ONCE);
            let more = total - told.count.min(total);
            if more == 0 {
                continue;
            }
            if told.credit == 0 && thrift == Thrift::Paced {
                is_all = false;
                continue;
            }
            told.credit = told.credit.saturating_sub(1);
            told.count = total;
            due.push((metric, more));
        }
        if is_all {
            self.in_all = in_all;
        }
        due
    }
}

/// Journals what was dropped since the last time.
pub(super) fn note(control: &mut Control, thrift: Thrift, now: Now) {
    let mut drops = std::mem::take(&mut control.drops);
    let due = drops.due(control, thrift, now.observed);
    control.drops = drops;
    for (metric, count) in due {
        control.note(Body::Dropped { metric, count }, now);
    }
}
