//! The sinks of an engine, by channel.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::MutexGuard;

use rollgate_core::decide::{Answer, Delivery};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::snapshot::Ruleset;

use super::{SendError, Sink};
use crate::process::PerProcess;

/// The sinks of an engine, numbered in the order in which the program gave them.
#[derive(Default)]
pub(crate) struct Sinks {
    sinks: Vec<Served>,
}

/// A sink and what it serves.
struct Served {
    /// A channel or a kind of them; `None`: every channel without a sink of its own.
    channel: Option<String>,
    sink: Box<dyn Sink>,
    /// Held while the sink is called: one delivery is under way once, and a sink that hangs holds up no other.
    sending: PerProcess<()>,
}

/// A sink that nobody else calls as long as this lives.
pub(crate) struct Line<'a> {
    sink: &'a dyn Sink,
    _sending: MutexGuard<'a, ()>,
}

impl Sinks {
    pub(crate) fn add(&mut self, channel: Option<String>, sink: impl Sink + 'static) {
        self.sinks.push(Served { channel, sink: Box::new(sink), sending: PerProcess::new(()) });
    }

    pub(crate) fn len(&self) -> usize {
        self.sinks.len()
    }

    /// The sink of a channel: its own; else that of its kind, which is what stands before a colon; else that for all.
    pub(crate) fn of(&self, channel: &str) -> Option<usize> {
        let named = |name: Option<&str>| self.sinks.iter().position(|own| own.channel.as_deref() == name);
        let kind = channel.split_once(':').map(|(kind, _)| kind);
        named(Some(channel)).or_else(|| named(Some(kind?))).or_else(|| named(None))
    }

    pub(crate) fn serve(&self, channel: &str) -> bool {
        self.of(channel).is_some()
    }

    /// A sink to be called, unless somebody is calling it: whoever comes then leaves it to the one who does.
    pub(crate) fn line(&self, sink: usize) -> Option<Line<'_>> {
        let served = self.sinks.get(sink)?;
        Some(Line { _sending: served.sending.try_lock()?, sink: &*served.sink })
    }

    /// Finds sinks that would never be asked.
    pub(crate) fn check(&self, ruleset: &Ruleset) -> Result<(), Error> {
        let plan = ruleset.plan.as_ref();
        let used = plan.map(|plan| plan.notices.iter().flat_map(|notice| &notice.channels));
        let listed = plan.map(|plan| plan.channels.iter().map(|channel| &channel.key));
        let mut known: Vec<&str> =
            used.into_iter().flatten().chain(listed.into_iter().flatten()).map(|key| key.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        for (index, Served { channel, .. }) in self.sinks.iter().enumerate() {
            let name = channel.as_deref().unwrap_or("every channel");
            if self.sinks.iter().take(index).any(|other| other.channel == *channel) {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format_args!("{name} has two sinks; one closure may call both"),
                ));
            }
            let is_known = channel.as_deref().is_none_or(|channel| {
                known.iter().any(|known| {
                    *known == channel || known.split_once(':').is_some_and(|(kind, _)| kind == channel)
                })
            });
            if !is_known {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Error::new(
                    ErrorKind::UnknownName,
                    format_args!("the plan has no channel `{name}` for this sink; its channels are {known}"),
                ));
            }
        }
        Ok(())
    }
}

impl Line<'_> {
    /// Hands a delivery over; a panic of the sink ends there.
    pub(crate) fn send(&self, delivery: &Delivery) -> Answer {
        match catch_unwind(AssertUnwindSafe(|| self.sink.send(delivery))) {
            Ok(Ok(())) => Answer::Delivered,
            Ok(Err(SendError::Again(why))) => Answer::Failed(why),
            Ok(Err(SendError::Never(why))) => Answer::Refused(why),
            // What a panic leaves behind in the sink nobody knows: this notice is not tried on it again.
            Err(panic) => Answer::Refused(format!("the sink panicked: {}", words(&*panic))),
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
