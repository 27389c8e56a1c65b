//! Bytes as what people, programs and clocks do to a small engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, ActionResult, Choice, Command, RolloutState, Status};
use rollgate::core::id::Key;
use rollgate::core::report::Form;
use rollgate::core::snapshot::{Ruleset, Severity};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::notify::SendError;
use rollgate::store::{MemoryStore, Store};
use rollgate::trace::{Event, parse_line};
use rollgate::{Engine, Report, journal, store};

use super::trace::chosen;

/// Evaluations that one input may cost.
const EVALUATIONS: usize = 200;
const START: Timestamp = Timestamp(1_768_816_800_000);
/// Bytes from here on choose among the commands of calendars, actions and what follows.
const LATER: u8 = 224;
const WHY: [&str; 4] = ["because", "", " ", "a \"quoted\"\n\u{1f600}"];
const ITEMS: [&str; 6] = ["ready", "tests_passed", "docs_read", "cause_found", "steady", ""];

/// Carries the bytes out, one after the other. Whatever they are: no panic, and what holds always holds after each.
pub fn command(bytes: &[u8]) {
    let (ruleset, bytes) = chosen(bytes);
    let mut stage = Stage::new(ruleset, bytes);
    while stage.has_more() {
        stage.act();
        stage.lawful();
    }
    stage.reads();
    stage.replays();
}

struct Stage<'a> {
    ruleset: Arc<Ruleset>,
    bytes: &'a [u8],
    clock: ManualClock,
    store: MemoryStore,
    engine: Engine,
    evaluations: usize,
    /// Status and shares after what happened last.
    last: (Status, Vec<(Key, Share)>),
    /// What happened last may enter again, and so raise.
    is_retry: bool,
}

impl<'a> Stage<'a> {
    fn new(ruleset: Arc<Ruleset>, bytes: &'a [u8]) -> Self {
        let (clock, store) = (ManualClock::at(START), MemoryStore::new());
        let engine = open(&ruleset, &clock, &store);
        let last = (engine.status().status, engine.shares());
        Self { ruleset, bytes, clock, store, engine, evaluations: 0, last, is_retry: false }
    }

    fn has_more(&self) -> bool {
        !self.bytes.is_empty() && self.evaluations < EVALUATIONS
    }

    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[usize::from(self.next()) % of.len()]
    }

    /// One thing happens.
    fn act(&mut self) {
        self.is_retry = false;
        match self.next() % 16 {
            0..3 => self.time(),
            3 => self.sample(),
            4 => self.alert(),
            5 => self.engine = open(&self.ruleset, &self.clock, &self.store),
            6 => self.line(),
            _ => {
                let command = self.chosen();
                self.ask(&command);
            }
        }
    }

    fn time(&mut self) {
        let unit = [1, 7, 10, 60, 300, 1_800][usize::from(self.next()) % 6];
        let target = self.engine.next_wakeup().since(START);
        match self.next() % 8 {
            // The calendar jumps, or the process sleeps.
            0 => self.clock.jump_wall(unit * 1_000_000),
            1 => self.clock.jump_wall(unit * -1_000_000),
            2 => self.clock.advance(Span::seconds(unit as u64 * 1_000)),
            times => {
                for _ in 0..unit as u64 * u64::from(times) / 10 + 1 {
                    self.clock.advance(self.engine.until_wakeup().max(Span::seconds(1)));
                    self.engine.tick();
                    self.evaluations += 1;
                    if self.evaluations >= EVALUATIONS {
                        break;
                    }
                }
            }
        }
        self.engine.tick();
        self.evaluations += 1;
        assert!(self.engine.next_wakeup().since(START) >= target, "the next evaluation moves back");
    }

    fn sample(&mut self) {
        let name = self.one(&["latency", "errors", "heap", "mistakes", "liking"]);
        let Ok(metric) = self.engine.metric(name) else { panic!("the plan has `{name}`") };
        let (size, count) = (self.next(), u64::from(self.next()) * 4);
        let value = [0.0, 100.0, 300.0, 600.0, 1e9, -1.0, f64::NAN, f64::INFINITY][usize::from(size) % 8];
        match name {
            "errors" => metric.record_outcomes(count / 8 * u64::from(size % 8), count),
            "mistakes" => metric.count(count / 512),
            "liking" => metric.record_points(value),
            _ if size % 3 == 0 => metric.record_many_for("user-1", value, count),
            _ => metric.record_many(value, count),
        }
    }

    fn alert(&mut self) {
        let severity = [Severity::Info, Severity::Warning, Severity::Critical][usize::from(self.next()) % 3];
        let id = self.one(&["a", "b", "c", ""]);
        if self.next().is_multiple_of(3) {
            self.engine.alerts().close_alert(id);
        } else {
            let opened = self.engine.alerts().open_alert(severity, id);
            assert_eq!(opened.is_ok(), !id.is_empty());
        }
    }

    /// The next bytes are the line of a command, as a trace has it.
    fn line(&mut self) {
        let length = usize::from(self.next()).min(self.bytes.len());
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        let Ok(text) = std::str::from_utf8(text) else { return };
        if let Ok(line) = parse_line(text)
            && let Event::Command(command) = line.event
        {
            self.ask(&command);
        }
    }

    fn ask(&mut self, command: &Command) {
        self.is_retry = command.action == Action::Retry;
        let before = self.engine.shares();
        let asked = self.engine.command(command);
        if let Err(error) = asked {
            assert!(!error.to_string().is_empty());
            // A refusal changes nothing; an evaluation that was due beside it may have.
            let now = self.engine.shares();
            let is_raise = matches!(command.action, Action::Set { .. });
            assert!(!is_raise || !rises(&before, &now), "a refused set raised: {error}");
        }
    }

    fn chosen(&mut self) -> Command {
        let by = Key::new(self.one(&["lead", "product", "ops", "ann", "bob", ""]));
        let role = Some(self.one(&["", "lead", "product", "ops", "boss"])).filter(|role| !role.is_empty());
        let action = match self.next() {
            which @ ..LATER => self.earlier(which % 14),
            which => self.later(which - LATER),
        };
        Command { by, role: role.map(Key::new), action }
    }

    fn earlier(&mut self, which: u8) -> Action {
        match which {
            0 => Action::Start,
            1 => Action::Check { item: Key::new(self.one(&ITEMS)) },
            2 => {
                let passed = Some((u64::from(self.next()), u64::from(self.next())));
                let item = Key::new(self.one(&ITEMS));
                Action::Attest {
                    item,
                    is_true: !self.next().is_multiple_of(4),
                    passed: passed.filter(|(_, of)| of % 2 == 0),
                }
            }
            3 | 13 => {
                let choice = match self.next() % 4 {
                    0 | 1 => Choice::Go {
                        override_reason: Some(self.one(&WHY).to_owned()).filter(|why| why.len() > 1),
                    },
                    2 => Choice::NoGo,
                    _ => Choice::Rollback {
                        to: Some(Key::new(self.one(&["zero", "prepare", "half", "everybody", "full", "x"]))),
                    },
                };
                Action::Decide { choice, rationale: self.one(&WHY).to_owned() }
            }
            4 => Action::Approve {
                proposal: Key::new(self.one(&["errors", "slow", "x"])),
                rationale: self.one(&WHY).to_owned(),
            },
            5 => Action::Dismiss {
                proposal: Key::new(self.one(&["errors", "slow", "x"])),
                reason: self.one(&WHY).to_owned(),
            },
            6 => {
                let share =
                    |byte: u8| Share::from_fraction(f64::from(byte % 101) / 100.0).unwrap_or(Share::ZERO);
                let mut shares =
                    vec![(Key::new(self.one(&["PARENT", "CHILD", "OTHER"])), share(self.next()))];
                if self.next().is_multiple_of(2) {
                    shares.push((Key::new(self.one(&["PARENT", "CHILD"])), share(self.next())));
                }
                Action::Set { shares, reason: self.one(&WHY).to_owned() }
            }
            7 => Action::Release { flags: vec![Key::new(self.one(&["PARENT", "CHILD", "OTHER"]))] },
            8 => Action::Pause { reason: self.one(&WHY).to_owned() },
            9 => Action::Resume { reason: self.one(&WHY).to_owned() },
            10 => Action::Stop { reason: self.one(&WHY).to_owned() },
            11 => Action::Retry,
            _ => Action::CaptureBaseline,
        }
    }

    fn later(&mut self, which: u8) -> Action {
        const LATER_ITEMS: [&str; 11] = [
            "watch",
            "verify",
            "morning",
            "dashboard",
            "weekly",
            "brief",
            "review",
            "thanks",
            "removal",
            "team_consensus",
            "tidy",
        ];
        match which % 8 {
            0 => Action::Acknowledge { item: Key::new(self.one(&LATER_ITEMS)) },
            1 => Action::Check { item: Key::new(self.one(&LATER_ITEMS)) },
            2 => Action::Attest { item: Key::new(self.one(&LATER_ITEMS)), is_true: true, passed: None },
            3 | 4 => {
                let action = Key::new(self.one(&["backup", "migrate", "verify", ""]));
                let output = self.one(&["ok", "", "15 of 15 ok", "no\n\u{1f600}"]).to_owned();
                let run = Some(u64::from(self.next() % 8)).filter(|run| *run > 0);
                Action::Report(ActionResult { action, run, is_ok: !self.next().is_multiple_of(4), output })
            }
            5 => {
                let metric = Some(self.one(&["", "latency", "liking", "x"])).filter(|name| !name.is_empty());
                Action::Annotate { text: self.one(&WHY).to_owned(), metric: metric.map(Key::new) }
            }
            6 => Action::FollowUp {
                item: Key::new(self.one(&["tidy", "review", "again", ""])),
                title: self.one(&WHY).to_owned(),
                owner: Key::new(self.one(&["lead", "ann", ""])),
                due: self.one(&["2w", "1s", "2026-02-02", "2026-01-19T10:05:00Z", "-1d", "x", ""]).to_owned(),
            },
            // Somebody looks at everything, and then resumes.
            _ => {
                self.reads();
                Action::Resume { reason: String::new() }
            }
        }
    }

    /// Everything that can be read of it is read: reading breaks nothing, and moves nothing.
    fn reads(&self) {
        let before = (self.engine.status().status, self.engine.shares());
        for report in Report::ALL {
            assert!(!self.engine.report(report).to_markdown().is_empty(), "{report:?}");
        }
        for form in [Form::Daily, Form::Weekly, Form::Phase, Form::Final] {
            assert!(!self.engine.scorecard(form).to_markdown().is_empty());
        }
        assert!(!self.engine.summary().is_empty());
        assert_eq!(self.engine.removals().len(), self.engine.shares().len());
        self.engine.risks();
        assert_eq!(before, (self.engine.status().status, self.engine.shares()), "reading moves it");
    }

    /// What holds after everything.
    fn lawful(&mut self) {
        let status = self.engine.status();
        let shares = self.engine.shares();
        assert_eq!(status.shares, shares);
        assert!(shares.iter().all(|(_, share)| *share <= Share::FULL));
        let is_down = |status: Status| matches!(status, Status::RolledBack | Status::Stopped);
        let stays_down = is_down(self.last.0) && is_down(status.status);
        assert!(!stays_down || !rises(&self.last.1, &shares), "{:?} to {shares:?} while down", self.last);
        assert!(!is_down(self.last.0) || is_down(status.status) || self.is_retry, "up again without a retry");
        for key in ["user-1", "user-2", "user-3", "user-4"] {
            assert!(
                self.engine.is_on("PARENT", key) || !self.engine.is_on("CHILD", key),
                "a child without its parent"
            );
        }
        self.last = (status.status, shares);
    }

    /// The journal tells where the rollout stands, and the stored state is it.
    fn replays(&self) {
        let lines = self.engine.journal_after(0);
        let told =
            journal::recall(lines.iter().map(String::as_str)).unwrap_or_else(|error| panic!("{error}"));
        let status = self.engine.status();
        assert_eq!(told.status, status.status.name());
        assert_eq!(told.phase, status.phase.as_ref().map(ToString::to_string));
        let shares: BTreeMap<&str, f64> =
            status.shares.iter().map(|(flag, share)| (flag.as_str(), share.fraction())).collect();
        for (flag, share) in &shares {
            // A final flag is on for everybody from the beginning; nothing moves it, so that no record tells of it.
            let is_final =
                self.ruleset.flags.iter().any(|known| known.key.as_str() == *flag && known.is_final);
            let untold = if is_final { 1.0 } else { 0.0 };
            assert_eq!(told.shares.get(*flag).copied().unwrap_or(untold), *share, "{flag}");
        }
        let Some(store::Stored { state, journal: stored, .. }) =
            self.store.load(0).unwrap_or_else(|error| panic!("{error}"))
        else {
            return;
        };
        assert_eq!(stored, lines);
        let text = serde_json::to_string(&state).unwrap_or_else(|error| panic!("{error}"));
        let read: RolloutState = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
        // What is of the process alone is not written, so the texts are compared.
        assert_eq!(serde_json::to_string(&read).unwrap_or_default(), text);
        // Whoever opens it again begins where it stood; nothing but its own triggers may lower it.
        let again = open(&self.ruleset, &self.clock, &self.store);
        assert!(!rises(&status.shares, &again.shares()), "it rises on opening");
    }
}

fn open(ruleset: &Arc<Ruleset>, clock: &ManualClock, store: &MemoryStore) -> Engine {
    let builder = Engine::builder().ruleset(ruleset.clone()).clock(clock.clone()).store(store.clone());
    // One channel takes some, the others none.
    let builder = builder.on_notice(|notice| match notice.channel.as_str() {
        "chat" if notice.message.as_str().len() % 3 > 0 => Ok(()),
        "chat" => Err(SendError::Again("full".into())),
        _ => Err(SendError::Never("nobody reads it".into())),
    });
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

fn rises(before: &[(Key, Share)], now: &[(Key, Share)]) -> bool {
    before.iter().zip(now).any(|((_, was), (_, is))| is > was)
}
