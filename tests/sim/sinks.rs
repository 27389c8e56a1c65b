//! The sinks of a simulated process: healthy ones, dead ones, and those that panic.

use std::sync::{Arc, Mutex};

use rollgate::core::snapshot::Ruleset;
use rollgate::engine::EngineBuilder;
use rollgate::notify::{Delivery, SendError};

/// The channels of simulated plans.
pub(super) const CHANNELS: [&str; 4] = ["mail", "chat:#team", "pager", "board"];

/// How a sink does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// It takes what comes.
    Well,
    /// Not this time.
    Failing,
    /// Never.
    Refusing,
    /// Its code is broken.
    Panicking,
    /// The next process has no sink for the channel.
    Gone,
}

/// The sink of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SinkPlan {
    /// How it begins.
    pub(super) mood: Mood,
    /// It never changes.
    pub(super) is_steady: bool,
}

/// What a sink answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Failed,
    Refused,
}

/// A sink was called.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The letter's id, without its channel.
    pub(super) letter: String,
    pub(super) channel: String,
    pub(super) attempt: u32,
    pub(super) answer: Answer,
}

/// The sinks of all channels.
#[derive(Debug)]
pub(super) struct Sinks {
    moods: Mutex<[Mood; CHANNELS.len()]>,
    calls: Mutex<Vec<Call>>,
}

impl Sinks {
    pub(super) fn new(plans: &[SinkPlan; CHANNELS.len()]) -> Arc<Self> {
        Arc::new(Self { moods: Mutex::new(plans.map(|plan| plan.mood)), calls: Mutex::new(Vec::new()) })
    }

    fn mood(&self, channel: usize) -> Mood {
        self.moods.lock().expect("no holder panics")[channel]
    }

    pub(super) fn set(&self, channel: usize, mood: Mood) {
        self.moods.lock().expect("no holder panics")[channel] = mood;
    }

    /// What has been called since it was asked last.
    pub(super) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().expect("no holder panics"))
    }

    /// The channels of the plan that a process opened now has a sink for.
    pub(super) fn served(&self, ruleset: &Ruleset) -> Vec<&'static str> {
        let is_used = |channel: &str| {
            let notices = ruleset.plan.iter().flat_map(|plan| &plan.notices);
            notices.flat_map(|notice| &notice.channels).any(|used| *used == channel)
        };
        let all = CHANNELS.into_iter().enumerate();
        all.filter(|(index, channel)| self.mood(*index) != Mood::Gone && is_used(channel))
            .map(|(_, channel)| channel)
            .collect()
    }

    /// Gives a builder the sinks that there are.
    pub(super) fn attach(self: &Arc<Self>, mut builder: EngineBuilder, ruleset: &Ruleset) -> EngineBuilder {
        for channel in self.served(ruleset) {
            let sinks = self.clone();
            builder = builder.on_notice_to(channel, move |notice| sinks.send(channel, notice));
        }
        builder
    }

    fn send(&self, channel: &'static str, notice: &Delivery) -> Result<(), SendError> {
        let index = CHANNELS.iter().position(|other| *other == channel).expect("a channel of the list");
        let mood = self.mood(index);
        let answer = match mood {
            Mood::Well => Answer::Taken,
            Mood::Failing | Mood::Gone => Answer::Failed,
            Mood::Refusing | Mood::Panicking => Answer::Refused,
        };
        let letter = notice.id.as_str().strip_suffix(&format!("/{channel}")).unwrap_or_default().to_owned();
        let call = Call { letter, channel: notice.channel.to_string(), attempt: notice.attempt, answer };
        self.calls.lock().expect("no holder panics").push(call);
        match mood {
            Mood::Well => Ok(()),
            Mood::Failing | Mood::Gone => Err(SendError::Again("the line is dead".into())),
            Mood::Refusing => Err(SendError::Never("nobody of that name".into())),
            // As a panic unwinds, without the words that a panic prints.
            Mood::Panicking => std::panic::resume_unwind(Box::new("the sink is broken")),
        }
    }
}
