//! The journal as a story: what happened, when, and why.

use rollgate::core::decide::Status;
use rollgate::core::id::Key;
use rollgate::core::report::Form;
use rollgate::core::snapshot::Phase;
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::Engine;
use serde_json::{Map, Value};

use super::play::Cards;
use super::screen::{Screen, UNBROKEN, calendar};
use crate::paint::Tone;

/// One record of the journal.
pub(super) struct Event {
    pub(super) at: Timestamp,
    record: Map<String, Value>,
}

impl Event {
    /// The record of a line.
    pub(super) fn of(line: &str) -> Option<Self> {
        let Ok(Value::Object(record)) = serde_json::from_str(line) else { return None };
        let at = record.get("at")?.as_str().and_then(|at| Timestamp::parse(at).ok())?;
        Some(Self { at, record })
    }

    fn text(&self, field: &str) -> &str {
        self.record.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn kind(&self) -> &str {
        self.text("kind")
    }

    pub(super) fn phase(&self) -> &str {
        self.text("phase")
    }

    fn sentence(&self) -> &str {
        self.record.get("finding").and_then(|finding| finding.get("sentence")?.as_str()).unwrap_or_default()
    }

    pub(super) fn list(&self, field: &str) -> Vec<&str> {
        let items = self.record.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).collect()
    }

    /// `USE_X and USE_Y 10% → 25%, USE_Z 0% → 10%`: flags that change alike stand together, and no change is broken
    /// over two lines.
    fn changes(&self) -> String {
        let map = |field| self.record.get(field).and_then(Value::as_object);
        let (Some(from), Some(to)) = (map("from"), map("to")) else { return String::new() };
        // A share has at most six decimals: what is behind them is the double's own.
        let percent =
            |share: Option<&Value>| (share.and_then(Value::as_f64).unwrap_or(0.0) * 1e6).round() / 1e4;
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for (flag, before) in from {
            let change = format!("{}%{UNBROKEN}→{UNBROKEN}{}%", percent(Some(before)), percent(to.get(flag)));
            match groups.iter_mut().find(|(other, _)| *other == change) {
                Some((_, flags)) => flags.push(flag),
                None => groups.push((change, vec![flag])),
            }
        }
        let group =
            |(change, flags): &(String, Vec<&str>)| format!("{}{UNBROKEN}{change}", flags.join(" and "));
        groups.iter().map(group).collect::<Vec<_>>().join(", ")
    }
}

/// What was told so far.
pub(super) struct Story {
    from: Timestamp,
    titles: Vec<String>,
    checked: usize,
    to_check: usize,
    /// The fault that the traffic got, until the engine answers it.
    fault: Option<Timestamp>,
    /// A rollback that is still to be told, with its change of shares.
    rollback: Option<(Event, String)>,
    fired: Option<String>,
    rollbacks: u32,
    is_calm: bool,
    is_over: bool,
}

impl Story {
    pub(super) fn new(engine: &Engine) -> Self {
        let plan = engine.ruleset().plan.as_ref();
        Self {
            from: Timestamp::MIN,
            titles: Vec::new(),
            checked: 0,
            to_check: plan.map_or(0, |plan| plan.phases.iter().map(|phase| phase.checklist.len()).sum()),
            fault: None,
            rollback: None,
            fired: None,
            rollbacks: 0,
            is_calm: false,
            is_over: false,
        }
    }

    /// The last, open phase has begun: nothing is left but to wait.
    pub(super) const fn is_calm(&self) -> bool {
        self.is_calm
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Something that only the simulation knows.
    pub(super) fn simulated(&mut self, at: Timestamp, news: String, screen: &mut Screen) {
        self.fault = Some(at);
        screen.event(at, "(simulated)", Some(Tone::Warn), &news);
    }

    /// Tells of a record what a person would want to hear.
    pub(super) fn tell(&mut self, event: &Event, engine: &Engine, screen: &mut Screen) {
        match event.kind() {
            "started" => self.from = event.at,
            "phase_started" => self.enter(event, engine, screen),
            "checked" => {
                self.checked += 1;
                if self.checked == self.to_check {
                    let said = format!("{} of {} items checked", self.checked, self.to_check);
                    screen.event(event.at, "checklist", None, &said);
                }
            }
            "shares_changed" => match self.rollback.take() {
                Some((rollback, finding)) => {
                    self.alarm(&rollback, &finding, &event.changes(), engine, screen)
                }
                None => step(event, engine, screen),
            },
            "trigger_fired" => {
                self.fired = Some(format!("{}: {}", event.text("trigger"), event.sentence()));
            }
            "rolled_back" => {
                let copy = Event { at: event.at, record: event.record.clone() };
                self.rollback = Some((copy, self.fired.take().unwrap_or_default()));
            }
            "completed" => {
                let said = format!("every flag at 100%, {} after the start", days(event.at.since(self.from)));
                screen.event(event.at, "completed", Some(Tone::Good), &said);
            }
            "phase_passed" if is_open(engine, event.phase()) => {
                let said =
                    format!("stable; the rollout ends {} after the start", days(event.at.since(self.from)));
                screen.event(event.at, "ended", Some(Tone::Good), &said);
            }
            // An open phase is judged from its first moment on; what it waits for was said when it began.
            "gates_inconclusive" if is_open(engine, event.phase()) => {}
            _ => by_people(event, screen),
        }
        self.is_over = engine.status().status == Status::Completed;
    }

    fn enter(&mut self, event: &Event, engine: &Engine, screen: &mut Screen) {
        let title = event.text("title");
        let again = if self.titles.iter().any(|other| other == title) { ", again" } else { "" };
        screen.heading(&format!("{title}{again}"));
        self.titles.push(title.to_owned());
        self.is_calm = is_open(engine, event.phase());
        if self.is_calm {
            screen.event(event.at, "running", None, &stabilizing(engine));
        }
    }

    fn alarm(&mut self, event: &Event, finding: &str, changes: &str, engine: &Engine, screen: &mut Screen) {
        self.rollbacks += 1;
        let mut said = vec![format!("trigger {finding}"), changes.to_owned()];
        if let Some(fault) = self.fault.take() {
            said.push(format!("{} after the fault began, and nobody was asked", event.at.since(fault)));
        }
        screen.alarm(event.at, &format!("ROLLED BACK to {}", event.text("to")), &said);
        if let Some(contingency) =
            phase_of(engine, event.phase()).and_then(|phase| phase.contingency.as_ref())
        {
            let needed: Vec<&str> = contingency.requires.iter().map(Key::as_str).collect();
            let said = format!("a retry needs {}", needed.join(" and "));
            screen.event(event.at, "contingency", None, &said);
        }
    }

    /// The end: how it stands, the journal's proof, the scorecards.
    pub(super) fn close(&self, engine: &Engine, cards: &Cards, screen: &mut Screen) {
        let rollbacks =
            if self.rollbacks == 1 { "1 rollback".into() } else { format!("{} rollbacks", self.rollbacks) };
        let proof = match super::play::verified(engine) {
            Ok(records) => format!("{rollbacks}; {records} journal records, and their hash chain holds"),
            Err(error) => format!("{rollbacks}; {error}"),
        };
        screen.print(&format!("\n{proof}.\nThe scorecards that people decided on:"));
        cards.iter().for_each(|card| screen.card(card));
    }
}

/// What an open phase waits for, as its own scorecard says it.
fn stabilizing(engine: &Engine) -> String {
    let card = engine.scorecard(Form::Phase);
    let due = card.rows.iter().filter_map(|row| row.due).max();
    let due = due.map_or_else(String::new, |due| format!("; its gates wait until {}", calendar(due)));
    format!("triggers stay live{due}")
}

/// A change of shares that is no rollback: a step of the phase.
fn step(event: &Event, engine: &Engine, screen: &mut Screen) {
    let cause = event.record.get("cause").and_then(|cause| cause.get("name")?.as_str());
    // A retry applies the first step in its own name.
    let step = cause.and_then(|step| step.parse::<u64>().ok()).unwrap_or(1);
    let word = format!("step {step} of {}", engine.status().step.1);
    screen.event(event.at, &word, None, &event.changes());
}

/// What people do, and what they decide on.
fn by_people(event: &Event, screen: &mut Screen) {
    let text = |field: &str| event.text(field);
    let (word, tone, said) = match event.kind() {
        "attested" => {
            let number = |field: &str| event.record.get(field).and_then(Value::as_u64);
            let tests = number("passed").zip(number("of"));
            let tests = tests.map_or_else(String::new, |(passed, of)| format!(" ({passed} of {of})"));
            ("attested".to_owned(), None, format!("{}{tests}, by {}", text("item"), text("by")))
        }
        "baseline_captured" => {
            let value = event.record.get("value").and_then(Value::as_f64).unwrap_or_default();
            ("baseline".to_owned(), None, format!("{} {value:.1}", text("metric")))
        }
        "retried" => {
            let said = format!("by {}: phase {} again, in full", text("by"), text("from_phase"));
            ("retry".to_owned(), None, said)
        }
        "gates_passed" => {
            let count = event.record.get("findings").and_then(Value::as_array).map_or(0, Vec::len);
            ("gates".to_owned(), Some(Tone::Good), format!("all {count} pass"))
        }
        "gates_failed" | "gates_inconclusive" => ("gates".to_owned(), Some(Tone::Warn), open_gates(event)),
        "awaiting_decision" => {
            ("waiting".to_owned(), None, format!("for {}", event.list("roles").join(" and ")))
        }
        "decided" => {
            let word = text("choice").to_uppercase().replace('_', "-");
            (word, Some(Tone::Bold), format!("{}: {}", text("role"), text("rationale")))
        }
        "decision_refused" | "command_refused" => {
            ("refused".to_owned(), Some(Tone::Warn), format!("{}: {}", text("by"), text("why")))
        }
        _ => return,
    };
    screen.event(event.at, &word, tone, &said);
}

fn phase_of<'a>(engine: &'a Engine, key: &str) -> Option<&'a Phase> {
    let plan = engine.ruleset().plan.as_ref()?;
    plan.phases.iter().find(|phase| phase.key.as_str() == key)
}

fn is_open(engine: &Engine, phase: &str) -> bool {
    phase_of(engine, phase).is_some_and(|phase| phase.duration.is_none())
}

fn days(span: Span) -> String {
    format!("{} days", span.0 / 86_400_000)
}

fn open_gates(event: &Event) -> String {
    let findings = event.record.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let open = findings.iter().filter_map(|finding| {
        let field = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        matches!(field("verdict"), "FAIL" | "INCONCLUSIVE")
            .then(|| format!("{} is {} ({})", field("key"), field("verdict"), field("sentence")))
    });
    open.collect::<Vec<_>>().join("; ")
}
