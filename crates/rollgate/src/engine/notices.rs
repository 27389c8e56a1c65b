//! Notices on their way: from the outbox through the sinks into the journal.

use rollgate_core::decide::{Delivery, Record, letters_due};
use rollgate_core::limits::{NOTICE_SLOW_MS, NOTICES_AT_ONCE};
use rollgate_core::time::{Now, Span};

use super::control::Control;
use super::handle::Shared;
use super::pending::Pending;

/// Posts what the calendar owes.
pub(super) fn by_calendar(control: &mut Control, now: Now) {
    let ruleset = control.ruleset.clone();
    for letter in letters_due(&ruleset, &mut control.state, now) {
        control.state.outbox.post(letter);
    }
    settle(control, now);
    let _ = control.flush(now);
}

/// Ends what nobody serves or what has been tried for too long, and journals every outcome.
pub(super) fn settle(control: &mut Control, now: Now) {
    let sinks = control.sinks.clone();
    control.state.outbox.refuse_unserved(|channel| sinks.serve(channel));
    control.state.outbox.expire(now.observed);
    for body in control.state.outbox.take_settled() {
        let record = Record { phase: control.state.phase, status: control.state.status, body };
        control.write(&record, now);
    }
}

/// Whose deliveries are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Every sink's, one after the other.
    All,
    /// One sink's.
    Of(usize),
}

/// Calls the sinks for what is due, outside the engine's lock; how many deliveries were tried.
///
/// One outcome is written down before the next delivery is tried: a process that is killed sends no more than one of each
/// sink again.
pub(super) fn deliver(shared: &Shared, whose: Whose) -> usize {
    let (sinks, due) = {
        let (control, now) = shared.lock();
        if !control.is_leader() {
            return 0;
        }
        let sinks = control.sinks.clone();
        let is_ours = |channel: &str| {
            sinks.of(channel).is_some_and(|sink| matches!(whose, Whose::All) || whose == Whose::Of(sink))
        };
        let due = control.state.outbox.due(&control.ruleset.name, now.observed, NOTICES_AT_ONCE, is_ours);
        (sinks, due)
    };
    let mut tried = 0;
    for Delivery { channel, .. } in due {
        let Some(line) = sinks.of(channel.as_str()).and_then(|sink| sinks.line(sink)) else { continue };
        // Another thread may have called this sink since, with the same: what is due is asked again, now that none can.
        // A channel that failed a moment ago rests; its other notices wait with it, in their order.
        let (delivery, began) = {
            let (control, now) = shared.lock();
            let is_it = |other: &str| channel.as_str() == other;
            let due = control.state.outbox.due(&control.ruleset.name, now.observed, 1, is_it).pop();
            (due, now.observed)
        };
        let Some(delivery) = delivery else { continue };
        let attempt = line.send(&delivery);
        tried += 1;
        let (mut control, now) = shared.lock();
        control.remember(Pending::Told(delivery.clone(), attempt.clone(), now));
        control.state.outbox.attempted(&delivery, attempt, now.observed);
        settle(&mut control, now);
        // A store that is away gets it with the next records.
        let _ = control.flush(now);
        if now.observed.since(began) >= Span(NOTICE_SLOW_MS) {
            // Evaluations come first; the rest waits for the next tick.
            break;
        }
    }
    tried
}
