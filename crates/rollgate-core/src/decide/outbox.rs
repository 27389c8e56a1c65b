//! Deliveries that are owed: kept with the state, bounded, tried again, and settled once each (SEMANTICS 7.3).
//!
//! At least once: a delivery leaves the outbox after its sink has taken it, so a process that is killed between the two
//! sends it again, with the same id. The other order would lose a rollback's notice, and nobody would know.

use serde::{Deserialize, Serialize};

use super::letter::{Letter, Owed};
use super::record::Body;
use super::told::Told;
use crate::id::Key;
use crate::limits::{
    NOTICE_ERROR_BYTES_MAX, NOTICE_LIFE_MS, NOTICE_WAIT_MAX_MS, NOTICE_WAIT_MIN_MS, NOTICES_WAITING_MAX,
};
use crate::time::{Span, Timestamp};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The sink took it.
    Delivered,
    /// Not this time.
    Failed(String),
    /// It never will.
    Refused(String),
}

/// A channel that failed is left alone for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Resting {
    channel: Key,
    failures: u32,
    /// Observed time of the next attempt.
    until: Timestamp,
}

/// An outcome that the journal does not have yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settled {
    /// Without its open channels.
    letter: Letter,
    channels: Vec<Key>,
    is_delivered: bool,
    attempts: u32,
    error: Option<Key>,
}

/// A message for one channel, as a sink gets it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// The same for every attempt, in every process: a sink that has seen it may leave it out.
    pub id: Key,
    /// The plan's name.
    pub plan: Key,
    /// What it is of, as plans write it.
    pub when: Key,
    /// Where to.
    pub channel: Key,
    /// For whom, in the plan's words.
    pub audience: Key,
    /// One line above the text.
    pub subject: Option<Key>,
    /// The text.
    pub message: Key,
    /// Whether it should wake people.
    pub urgent: bool,
    /// It was written after its time.
    pub late: bool,
    /// When the transition was, by the calendar.
    pub at: Timestamp,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// The outbox of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outbox {
    /// Oldest first.
    letters: Vec<Letter>,
    settled: Vec<Settled>,
    resting: Vec<Resting>,
    /// What the calendar has owed.
    pub(super) calendar: Vec<Told>,
    /// Start of the phase whose failing gates have been told.
    pub(super) failed_from: Option<Timestamp>,
}

impl Outbox {
    /// Letters that wait for a channel.
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// Takes a letter; one that is known changes nothing. Where too many wait, the oldest that is not urgent goes.
    pub fn post(&mut self, letter: Letter) {
        if self.letters.iter().any(|known| known.id == letter.id) {
            return;
        }
        self.letters.push(letter);
        if self.letters.len() > NOTICES_WAITING_MAX {
            let least = self.letters.iter().position(|letter| !letter.is_urgent).unwrap_or(0);
            let dropped = self.letters.remove(least);
            self.give_up(dropped, |_| format!("dropped: {NOTICES_WAITING_MAX} notices were waiting"));
        }
    }

    /// A process takes over what the one before owed: it tries each of them once before it gives any up.
    pub fn inherit(&mut self) {
        self.letters.iter_mut().flat_map(|letter| &mut letter.open).for_each(|owed| owed.is_inherited = true);
    }

    /// Settles what this process has written to a channel that it does not serve. What an earlier process owed waits for
    /// one that serves its channel: a store that is opened once without sinks must not lose a rollback's notice.
    pub fn refuse_unserved(&mut self, is_served: impl Fn(&str) -> bool) {
        self.part(
            |owed| !owed.is_inherited && !is_served(owed.channel.as_str()),
            |_| "no sink for this channel".to_owned(),
        );
    }

    /// Settles what has been tried for its whole life, by this process too.
    pub fn expire(&mut self, now: Timestamp) {
        let life = Span(NOTICE_LIFE_MS);
        self.part(
            |owed| !owed.is_inherited && owed.tried_from.is_some_and(|from| now.since(from) >= life),
            |owed| match &owed.error {
                Some(error) => format!("gave up after {life}: {error}"),
                None => format!("gave up after {life}"),
            },
        );
    }

    /// Settles, as not delivered, what `is_over` says.
    fn part(&mut self, is_over: impl Fn(&Owed) -> bool, why: impl Fn(&Owed) -> String + Copy) {
        if self.letters.is_empty() {
            return;
        }
        let mut kept = Vec::with_capacity(self.letters.len());
        for mut letter in std::mem::take(&mut self.letters) {
            let (over, open): (Vec<_>, Vec<_>) =
                std::mem::take(&mut letter.open).into_iter().partition(&is_over);
            if !over.is_empty() {
                self.give_up(Letter { open: over, ..letter.clone() }, why);
            }
            if !open.is_empty() {
                kept.push(Letter { open, ..letter });
            }
        }
        self.letters = kept;
    }

    fn give_up(&mut self, mut letter: Letter, why: impl Fn(&Owed) -> String) {
        for owed in std::mem::take(&mut letter.open) {
            let error = Some(short(&why(&owed)));
            self.settle(&letter, owed.channel, false, owed.attempts, error);
        }
    }

    fn settle(
        &mut self,
        letter: &Letter,
        channel: Key,
        is_delivered: bool,
        attempts: u32,
        error: Option<Key>,
    ) {
        let same = self.settled.iter_mut().find(|known| {
            known.letter.id == letter.id
                && known.is_delivered == is_delivered
                && known.attempts == attempts
                && known.error == error
        });
        match same {
            Some(known) => known.channels.push(channel),
            None => {
                let letter = Letter { open: Vec::new(), ..letter.clone() };
                self.settled.push(Settled { letter, channels: vec![channel], is_delivered, attempts, error });
            }
        }
    }

    /// What may be sent now: urgent ones first, then the oldest, and nothing to a channel that rests or is not served.
    pub fn due(
        &self,
        plan: &Key,
        now: Timestamp,
        most: usize,
        is_served: impl Fn(&str) -> bool,
    ) -> Vec<Delivery> {
        let rests = |channel: &Key| {
            self.resting.iter().any(|resting| resting.channel == *channel && resting.until > now)
        };
        let urgent = self.letters.iter().filter(|letter| letter.is_urgent);
        let others = self.letters.iter().filter(|letter| !letter.is_urgent);
        let all = urgent.chain(others).flat_map(|letter| letter.open.iter().map(move |owed| (letter, owed)));
        all.filter(|(_, owed)| !rests(&owed.channel) && is_served(owed.channel.as_str()))
            .take(most)
            .map(|(letter, owed)| Delivery::of(plan, letter, owed))
            .collect()
    }

    /// Takes note of an attempt.
    pub fn attempted(&mut self, delivery: &Delivery, answer: Answer, now: Timestamp) {
        let (channel, found) = (&delivery.channel, delivery.letter_id());
        match &answer {
            Answer::Failed(_) => {
                self.rest(channel, now);
                // What waits behind it would have failed as well.
                let open = self.letters.iter_mut().flat_map(|letter| &mut letter.open);
                for owed in open.filter(|owed| owed.channel == *channel) {
                    owed.tried_from.get_or_insert(now);
                }
            }
            Answer::Delivered | Answer::Refused(_) => {
                self.resting.retain(|resting| resting.channel != *channel);
            }
        }
        let Some(at) = self.letters.iter().position(|letter| letter.id == *found) else { return };
        let Some(letter) = self.letters.get_mut(at) else { return };
        let Some(index) = letter.open.iter().position(|owed| owed.channel == *channel) else { return };
        let Some(owed) = letter.open.get_mut(index) else { return };
        owed.attempts = owed.attempts.saturating_add(1);
        owed.is_inherited = false;
        let attempts = owed.attempts;
        let (is_delivered, error) = match answer {
            Answer::Failed(why) => {
                owed.error = Some(short(&why));
                return;
            }
            Answer::Delivered => (true, None),
            Answer::Refused(why) => (false, Some(short(&why))),
        };
        let owed = letter.open.remove(index);
        let letter = if letter.open.is_empty() { self.letters.remove(at) } else { letter.clone() };
        self.settle(&letter, owed.channel, is_delivered, attempts, error);
    }

    fn rest(&mut self, channel: &Key, now: Timestamp) {
        let known = self.resting.iter().position(|resting| resting.channel == *channel);
        let failures = known.map_or(0, |at| self.resting.remove(at).failures).saturating_add(1);
        let wait = NOTICE_WAIT_MIN_MS.saturating_mul(1 << (failures - 1).min(20)).min(NOTICE_WAIT_MAX_MS);
        self.resting.push(Resting { channel: channel.clone(), failures, until: now + Span(wait) });
    }

    /// The outcomes that the journal does not have yet, as its records.
    pub fn take_settled(&mut self) -> Vec<Body> {
        let record = |settled: Settled| Body::Notice {
            id: settled.letter.id,
            when: settled.letter.when,
            channels: settled.channels,
            audience: settled.letter.audience,
            subject: settled.letter.subject,
            message: settled.letter.message,
            delivered: settled.is_delivered,
            urgent: settled.letter.is_urgent,
            late: settled.letter.is_late,
            attempts: settled.attempts,
            error: settled.error,
        };
        std::mem::take(&mut self.settled).into_iter().map(record).collect()
    }
}

/// Why it failed, in one line of bounded length: a sink may quote a whole page of somebody's server.
fn short(why: &str) -> Key {
    let mut end = why.len().min(NOTICE_ERROR_BYTES_MAX);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    Key::new(why[..end].replace(|c: char| c.is_control(), " "))
}

impl Delivery {
    /// A letter for one of its channels.
    pub fn of(plan: &Key, letter: &Letter, owed: &Owed) -> Self {
        Self {
            id: Key::new(format!("{}/{}", letter.id, owed.channel)),
            plan: plan.clone(),
            when: letter.when.clone(),
            channel: owed.channel.clone(),
            audience: letter.audience.clone(),
            subject: letter.subject.clone(),
            message: letter.message.clone(),
            urgent: letter.is_urgent,
            late: letter.is_late,
            at: letter.at,
            attempt: owed.attempts.saturating_add(1),
        }
    }

    /// The letter's own id.
    fn letter_id(&self) -> &str {
        let id = self.id.as_str();
        let tail = self.channel.as_str().len() + 1;
        id.get(..id.len().saturating_sub(tail)).unwrap_or(id)
    }
}
