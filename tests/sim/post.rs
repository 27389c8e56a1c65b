//! What is owed to people, from the journal alone, and what became of it (SEMANTICS 7.3; design, notices).
//!
//! Each message is owed once for each channel and transition. A sink may be asked only for what is owed; what it took is
//! journalled in the same tick and never asked again; what waits is tried as soon as its channel does not rest.

use std::collections::{BTreeMap, BTreeSet};

use rollgate::core::snapshot::{NoticeWhen, Ruleset};
use rollgate::core::time::{Span, Timestamp};
use serde_json::Value;

use super::book::{Broken, Kept, must};
use super::coverage::Coverage;
use super::sinks::{Answer, Call};

/// The shortest and the longest rest of a channel that fails, and how long a notice is tried.
const REST_MIN: Span = Span::seconds(10);
const REST_MAX: Span = Span::minutes(15);
const LIFE: Span = Span::days(1);
/// Letters that wait, and deliveries that one tick tries.
const WAITING_MAX: usize = 256;
const AT_ONCE: usize = 32;

/// A letter and a channel.
type Place = (String, String);

/// A delivery that is owed.
#[derive(Clone, Debug, Default)]
struct Owed {
    /// When its channel first failed while it waited.
    tried_from: Option<Timestamp>,
    /// How often this process tried it.
    calls: u32,
    /// An earlier process owed it.
    is_inherited: bool,
    /// It came by the calendar: no record is behind it, and one that was not saved is gone with its process.
    is_of_calendar: bool,
}

/// A channel that failed.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    failures: u32,
    until: Option<Timestamp>,
    /// An earlier process knew more of it than is known here.
    is_vague: bool,
}

/// The ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Post {
    owed: BTreeMap<Place, Owed>,
    /// Letters of the calendar that have been seen: each comes once, wherever the clock is set.
    calendar: BTreeSet<String>,
    /// How late the calendar has ever been.
    latest: Timestamp,
    rests: BTreeMap<String, Rest>,
    served: Vec<&'static str>,
    given_up: BTreeSet<Place>,
    /// What this process's sinks have taken.
    taken: BTreeSet<Place>,
    /// Calls of this turn that no record has told of yet.
    calls: Vec<Call>,
    /// All calls of this turn.
    called: Vec<Call>,
    has_told_failure: bool,
    has_restarted: bool,
    pub(super) seen: Coverage,
}

impl Post {
    /// The first process opens with sinks for these channels.
    pub(super) fn open(&mut self, served: Vec<&'static str>) {
        self.served = served;
    }

    /// Another process opens with sinks for these.
    pub(super) fn reopen(&mut self, served: Vec<&'static str>, now: Timestamp) {
        self.has_restarted = true;
        self.served = served;
        self.taken.clear();
        for owed in self.owed.values_mut() {
            (owed.is_inherited, owed.calls) = (true, 0);
        }
        for rest in self.rests.values_mut() {
            (rest.is_vague, rest.until) = (true, Some(now + REST_MAX));
        }
    }

    fn is_served(&self, channel: &str) -> bool {
        self.served.contains(&channel)
    }

    /// A turn begins; its sinks were called like this.
    pub(super) fn begin(&mut self, calls: Vec<Call>, wall: Timestamp) {
        self.latest = self.latest.max(wall);
        self.called.clone_from(&calls);
        self.calls = calls;
    }

    /// Reads one record.
    pub(super) fn take(
        &mut self,
        ruleset: &Ruleset,
        record: &Value,
        now: Timestamp,
        wall: Timestamp,
    ) -> Kept {
        match record["kind"].as_str().unwrap_or_default() {
            "notice" => self.settle(ruleset, record, now, wall),
            "extended" => {
                self.has_told_failure = false;
                Ok(())
            }
            _ => {
                self.owe(ruleset, record);
                Ok(())
            }
        }
    }

    /// What a record owes, and under which id.
    fn owe(&mut self, ruleset: &Ruleset, record: &Value) {
        let Some(plan) = &ruleset.plan else { return };
        let phase = record["phase"].as_str().and_then(|key| plan.phase_of(key));
        let phase = phase.map(|id| (&plan.phases[id.index()], plan.phases.get(id.index() + 1)));
        let kind = record["kind"].as_str().unwrap_or_default();
        let when = match kind {
            "phase_started" => {
                self.has_told_failure = false;
                "phase_started"
            }
            // What comes before an open phase is the completion, and says so itself.
            "phase_passed" => match phase {
                Some((_, Some(next))) if next.duration.is_some() => kind,
                _ => return,
            },
            "gates_failed" | "gates_inconclusive" => {
                let has_decision = phase.is_some_and(|(phase, _)| phase.decision.is_some());
                if self.has_told_failure || (kind == "gates_inconclusive" && has_decision) {
                    return;
                }
                self.has_told_failure = true;
                "gates_failed"
            }
            "completed"
            | "rolled_back"
            | "stopped"
            | "proposal"
            | "awaiting_decision"
            | "rollback_ineffective"
            | "reminder" => kind,
            _ => return,
        };
        let hash = record["hash"].as_str().unwrap_or_default();
        let name = format!("{}-{}", record["seq"], hash.get(..8).unwrap_or_default());
        for notice in plan.notices.iter().filter(|notice| notice.when.name() == when) {
            for channel in &notice.channels {
                self.owed.insert((format!("{name}-{}", notice.key), channel.to_string()), Owed::default());
                self.seen.see(&format!("notices: owed at {when}"));
            }
        }
    }

    /// A letter of the calendar is first heard of as it is delivered: `name@instant-message`.
    fn expect_of_calendar(&mut self, ruleset: &Ruleset, letter: &str, wall: Timestamp) -> Kept {
        if !letter.contains('@') || self.owed.keys().any(|(owed, _)| owed == letter) {
            return Ok(());
        }
        let parts = letter.rsplit_once('-').and_then(|(source, key)| Some((source.rsplit_once('@')?.1, key)));
        let due = parts.and_then(|(due, _)| due.parse::<i64>().ok());
        let notices = ruleset.plan.iter().flat_map(|plan| &plan.notices);
        let is_of = |when: NoticeWhen| {
            matches!(when, NoticeWhen::Daily | NoticeWhen::Weekly | NoticeWhen::BeforeStart(_))
        };
        let notice = parts
            .and_then(|(_, key)| notices.into_iter().find(|notice| notice.key == *key && is_of(notice.when)));
        let (Some(notice), Some(due)) = (notice, due) else {
            return must(false, "7.3", || format!("{letter} is of no notice of the calendar"));
        };
        if self.calendar.contains(letter) {
            return Ok(());
        }
        // It may have been written before the calendar was set back, and have waited for its channel.
        must(due * 1_000 <= self.latest.0, "7.3", || {
            format!("{letter} was sent before its time, at {wall}")
        })?;
        self.calendar.insert(letter.to_owned());
        self.seen.see("notices: owed by the calendar");
        for channel in &notice.channels {
            let owed = Owed { is_of_calendar: true, ..Owed::default() };
            let place = (letter.to_owned(), channel.to_string());
            self.owed.insert(place, owed);
        }
        Ok(())
    }

    /// A record says what became of a letter on some channels.
    fn settle(&mut self, ruleset: &Ruleset, record: &Value, now: Timestamp, wall: Timestamp) -> Kept {
        let letter = record["id"].as_str().unwrap_or_default();
        self.expect_of_calendar(ruleset, letter, wall)?;
        for channel in record["channels"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let place = (letter.to_owned(), channel.to_owned());
            let owed = self.owed.remove(&place).ok_or_else(|| Broken {
                promise: "7.3",
                how: format!("{letter} to {channel} was settled, and it is not owed: {record}"),
            })?;
            self.check_settled(&place, &owed, record, now)?;
        }
        Ok(())
    }

    fn check_settled(&mut self, place: &Place, owed: &Owed, record: &Value, now: Timestamp) -> Kept {
        let error = record["error"].as_str().unwrap_or_default();
        let said = |answer: Answer| {
            move |call: &Call| (&call.letter, &call.channel, call.answer) == (&place.0, &place.1, answer)
        };
        if record["delivered"] == true {
            let at = self.calls.iter().position(said(Answer::Taken));
            must(at.is_some(), "7.3", || format!("{place:?} is told delivered, and no sink took it"))?;
            at.map(|at| self.calls.remove(at));
            if owed.is_inherited {
                self.seen.see("notices: delivered by a later process");
            }
            if owed.tried_from.is_some() {
                self.seen.see("notices: delivered after failures");
            }
            self.seen.see("notices: delivered");
            return Ok(());
        }
        if let Some(at) = self.calls.iter().position(said(Answer::Refused)) {
            self.calls.remove(at);
            self.seen.see(if error.contains("panicked") {
                "notices: a sink panicked"
            } else {
                "notices: refused"
            });
            return Ok(());
        }
        if error.starts_with("no sink") {
            let is_fresh = !owed.is_inherited || owed.is_of_calendar;
            self.seen.see("notices: no sink");
            return must(!self.is_served(&place.1) && is_fresh, "7.3", || {
                format!("{place:?} was given up for want of a sink, and it may have one")
            });
        }
        if error.starts_with("gave up") {
            self.seen.see("notices: given up");
            self.given_up.insert(place.clone());
            let is_tried =
                !owed.is_inherited || owed.is_of_calendar || owed.calls > 0 || self.has_call(place);
            let is_old = owed.tried_from.is_some_and(|from| now.since(from) >= LIFE);
            // What the calendar owes is heard of late, and its first failure may have been before.
            return must(is_tried && (is_old || owed.is_of_calendar), "7.3", || {
                format!("{place:?} was given up before its time")
            });
        }
        let waiting = self.waiting();
        must(error.starts_with("dropped") && waiting + 1 >= WAITING_MAX, "7.3", || {
            format!("{place:?} is not delivered, with {waiting} waiting: {error}")
        })
    }

    fn has_call(&self, place: &Place) -> bool {
        self.calls.iter().any(|call| (&call.letter, &call.channel) == (&place.0, &place.1))
    }

    /// Letters that wait.
    fn waiting(&self) -> usize {
        let mut letters: Vec<&String> = self.owed.keys().map(|(letter, _)| letter).collect();
        letters.dedup();
        letters.len()
    }

    /// Sinks are called from ticks only.
    pub(super) fn check_silent(&self) -> Kept {
        must(self.called.is_empty(), "7.3", || format!("sinks were called outside a tick: {:?}", self.called))
    }

    /// The records of a tick have been read: what its sinks did fits them, and nothing lies that could have been sent.
    pub(super) fn after_tick(&mut self, ruleset: &Ruleset, now: Timestamp, wall: Timestamp) -> Kept {
        let all = std::mem::take(&mut self.called);
        Self::check_order(ruleset, &all)?;
        for call in &all {
            self.called(ruleset, call, now, wall)?;
        }
        if let Some(call) = self.calls.iter().find(|call| call.answer != Answer::Failed) {
            let how = format!("the journal does not tell of {call:?}");
            return Err(Broken { promise: "7.3", how });
        }
        let is_open = |(place, _): &(&Place, &Owed)| self.is_served(&place.1);
        if self.owed.iter().filter(is_open).count() + all.len() >= AT_ONCE {
            return Ok(());
        }
        for (place, owed) in self.owed.iter().filter(is_open) {
            let rest = self.rests.get(&place.1);
            let is_lost = owed.is_of_calendar && owed.is_inherited;
            let is_resting = rest.and_then(|rest| rest.until).is_some_and(|until| until > now);
            must(is_resting || is_lost, "7.3", || {
                format!("{place:?} is owed, its channel does not rest, and nobody sent it")
            })?;
        }
        Ok(())
    }

    /// By the end of an evaluation, what has failed for a day has been given up.
    pub(super) fn check_given_up(&self, now: Timestamp) -> Kept {
        for (place, owed) in self.owed.iter().filter(|(place, _)| self.is_served(&place.1)) {
            let is_old = owed.tried_from.is_some_and(|from| now.since(from) >= LIFE);
            must(!is_old || owed.is_inherited || self.has_restarted, "7.3", || {
                format!(
                    "{place:?} has failed since {:?}, for more than a day, and is tried at {now} still",
                    owed.tried_from
                )
            })?;
        }
        Ok(())
    }

    /// One call of a sink.
    fn called(&mut self, ruleset: &Ruleset, call: &Call, now: Timestamp, wall: Timestamp) -> Kept {
        let place = (call.letter.clone(), call.channel.clone());
        // What was settled is in the journal already.
        if call.answer == Answer::Failed && !self.given_up.contains(&place) {
            self.expect_of_calendar(ruleset, &call.letter, wall)?;
        }
        must(self.is_served(&call.channel), "7.3", || format!("{place:?} was sent, and its sink is gone"))?;
        must(!self.taken.contains(&place), "7.3", || format!("{place:?} was sent again after it was taken"))?;
        let rest = self.rests.entry(call.channel.clone()).or_default();
        let is_early = rest.until.is_some_and(|until| until > now) && !rest.is_vague;
        must(!is_early, "7.3", || format!("{place:?} was sent while its channel rests: {rest:?}"))?;
        match call.answer {
            Answer::Taken | Answer::Refused => {
                *rest = Rest::default();
                if call.answer == Answer::Taken {
                    self.taken.insert(place);
                }
            }
            Answer::Failed => {
                rest.failures += 1;
                let wait = Span((REST_MIN.0 << (rest.failures - 1).min(20)).min(REST_MAX.0));
                rest.until = Some(now + if rest.is_vague { REST_MAX } else { wait });
                self.seen.see("notices: failed");
                let waiting = self.owed.iter_mut().filter(|((_, channel), _)| *channel == call.channel);
                waiting.for_each(|(_, owed)| owed.tried_from = owed.tried_from.or(Some(now)));
                // One that was given up in the same breath is owed no more.
                let Some(owed) = self.owed.get_mut(&place) else {
                    return must(self.given_up.contains(&place), "7.3", || {
                        format!("{place:?} was sent, and it is not owed")
                    });
                };
                owed.calls += 1;
                let (attempt, calls) = (call.attempt, owed.calls);
                must(owed.is_inherited || attempt == calls, "7.3", || {
                    format!("{place:?} was tried {calls} times, and the sink was told {attempt}")
                })?;
            }
        }
        Ok(())
    }

    /// Urgent ones go first, and what is equally urgent keeps its order on its channel.
    fn check_order(ruleset: &Ruleset, calls: &[Call]) -> Kept {
        let notices = || ruleset.plan.iter().flat_map(|plan| &plan.notices);
        let is_calm = |call: &Call| {
            let key = call.letter.rsplit('-').next().unwrap_or_default();
            !notices().any(|notice| notice.key == *key && notice.is_urgent)
        };
        let number =
            |call: &Call| call.letter.split('-').next().and_then(|number| number.parse::<u64>().ok());
        for (index, later) in calls.iter().enumerate() {
            for earlier in &calls[..index] {
                let is_turned = is_calm(earlier) && !is_calm(later);
                let is_same = earlier.channel == later.channel && is_calm(earlier) == is_calm(later);
                let is_older =
                    number(later).zip(number(earlier)).is_some_and(|(later, earlier)| later < earlier);
                must(!(is_turned || is_same && is_older), "7.3", || {
                    format!("{later:?} was sent after {earlier:?}")
                })?;
            }
        }
        Ok(())
    }
}
