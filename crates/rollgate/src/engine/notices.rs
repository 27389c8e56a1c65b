//! Notices on their way: from the outbox through the sinks into the journal.

use rollgate_core::decide::{Answer, Delivery, Record, letters_due};
use rollgate_core::limits::{NOTICE_SLOW_MS, NOTICES_AT_ONCE};
use rollgate_core::time::{Now, Span};

use super::control::Control;
use super::handle::Shared;

/// Posts what the calendar owes.
pub(super) fn by_calendar(control: &mut Control, now: Now) {
    let ruleset = control.ruleset.clone();
    for letter in letters_due(&ruleset, &mut control.state, now) {
        control.state.outbox.post(letter);
    }
    settle(control, now);
    let _ = control.flush();
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

/// Calls the sinks for what is due, outside the engine's lock; how many deliveries were tried.
///
/// One outcome is written down before the next delivery is tried: a process that is killed sends no more than one again.
pub(super) fn deliver(shared: &Shared) -> usize {
    let (sinks, due) = {
        let (control, now) = shared.lock();
        if control.sinks.is_empty() {
            return 0;
        }
        let sinks = control.sinks.clone();
        let is_served = |channel: &str| sinks.serve(channel);
        let due = control.state.outbox.due(&control.ruleset.name, now.observed, NOTICES_AT_ONCE, is_served);
        (sinks, due)
    };
    let mut failed: Vec<Delivery> = Vec::new();
    let mut tried = 0;
    for delivery in due {
        // A channel that failed a moment ago rests; its other notices wait with it, in their order.
        if failed.iter().any(|other| other.channel == delivery.channel) {
            continue;
        }
        let began = shared.now().observed;
        let attempt = sinks.send(&delivery);
        tried += 1;
        let (mut control, now) = shared.lock();
        let has_failed = matches!(attempt, Answer::Failed(_));
        control.state.outbox.attempted(&delivery, attempt, now.observed);
        settle(&mut control, now);
        // A store that is away gets it with the next records.
        let _ = control.flush();
        drop(control);
        if has_failed {
            failed.push(delivery);
        }
        if now.observed.since(began) >= Span(NOTICE_SLOW_MS) {
            // Evaluations come first; the rest waits for the next tick.
            break;
        }
    }
    tried
}
