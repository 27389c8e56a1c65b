//! The sinks of an engine, by channel.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rollgate_core::decide::{Answer, Delivery};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::snapshot::Ruleset;

use super::{SendError, Sink};

/// The sinks of an engine; `None` is the one for every channel without its own.
#[derive(Default)]
pub(crate) struct Sinks {
    sinks: Vec<(Option<String>, Box<dyn Sink>)>,
}

impl Sinks {
    pub(crate) fn add(&mut self, channel: Option<String>, sink: impl Sink + 'static) {
        self.sinks.push((channel, Box::new(sink)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    /// The sink of a channel: its own; else that of its kind, which is what stands before a colon; else that for all.
    fn of(&self, channel: &str) -> Option<&dyn Sink> {
        let named = |name: Option<&str>| self.sinks.iter().find(|(own, _)| own.as_deref() == name);
        let kind = channel.split_once(':').map(|(kind, _)| kind);
        let found = named(Some(channel)).or_else(|| named(Some(kind?))).or_else(|| named(None));
        found.map(|(_, sink)| &**sink)
    }

    pub(crate) fn serve(&self, channel: &str) -> bool {
        self.of(channel).is_some()
    }

    /// Hands a delivery to its sink; a panic of the sink ends there.
    pub(crate) fn send(&self, delivery: &Delivery) -> Answer {
        let Some(sink) = self.of(delivery.channel.as_str()) else {
            return Answer::Refused("no sink for this channel".into());
        };
        match catch_unwind(AssertUnwindSafe(|| sink.send(delivery))) {
            Ok(Ok(())) => Answer::Delivered,
            Ok(Err(SendError::Again(why))) => Answer::Failed(why),
            Ok(Err(SendError::Never(why))) => Answer::Refused(why),
            // What a panic leaves behind in the sink nobody knows: this notice is not tried on it again.
            Err(panic) => Answer::Refused(format!("the sink panicked: {}", words(&*panic))),
        }
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
        for (index, (channel, _)) in self.sinks.iter().enumerate() {
            let name = channel.as_deref().unwrap_or("every channel");
            if self.sinks.iter().take(index).any(|(other, _)| other == channel) {
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

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
