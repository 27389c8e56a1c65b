//! A simulated world: the real engine on a manual clock, and beside it everything that must be so.

use std::sync::Arc;

use rollgate::clock::{Clock, ManualClock};
use rollgate::core::decide::{Action, Command, Status};
use rollgate::core::limits::SAMPLES_AT_ONCE_MAX;
use rollgate::core::snapshot::{ConditionKind, Ruleset, TriggerMode, Window};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::store::{MemoryStore, Store};
use rollgate::{Engine, RolloutStatus, journal};
use serde_json::Value;

use super::book::{Book, Broken, Kept, Latch, must};
use super::coverage::Coverage;
use super::event::{Event, Whose};
use super::naive::Naive;
use super::oracle::{Oracle, Say};
use super::plan::PlanText;
use super::sinks::Sinks;
use super::watch::Watch;

/// The metrics of every simulated plan.
pub(super) const METRICS: [&str; 5] = ["lat", "err", "heap", "crash", "nps"];
/// When every world begins: an evaluation instant of any plan.
pub(super) const START: Timestamp = Timestamp(1_768_816_800_000);
/// Subjects whose answers are watched.
const PROBES: usize = 40;
/// What the windows of a simulated plan may hold: five metrics, each far below this.
const WINDOW_BYTES_MAX: usize = 4 << 20;

/// Whether a world's process has the sinks of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ears {
    /// It has.
    Open,
    /// It has none, whatever the plan says.
    Shut,
}

/// The world.
pub(super) struct World {
    ruleset: Arc<Ruleset>,
    clock: ManualClock,
    pub(super) store: MemoryStore,
    pub(super) engine: Engine,
    pub(super) book: Book,
    /// The notebook as it was when the store went away.
    saved: Option<Box<Book>>,
    /// What had been watched by then.
    watched: Option<Watch>,
    naive: Naive,
    watch: Watch,
    pub(super) now: Timestamp,
    pub(super) due: Timestamp,
    /// Journal records that have been read.
    seen: u64,
    pub(super) is_away: bool,
    pub(super) is_live: bool,
    /// Whether a trace can say all that has happened.
    pub(super) is_plain: bool,
    has_restarted: bool,
    version: u64,
    /// Who gets what, by flag, and the shares it was read at.
    probes: Vec<u64>,
    probed: Vec<Share>,
    evaluations: u64,
    /// Who listens to notices; `None`: nobody ever does.
    sinks: Option<Arc<Sinks>>,
    /// The journal of the first process, once another one has followed.
    pub(super) first_life: Option<Vec<String>>,
    starts: Timestamp,
    pub(super) coverage: Coverage,
}

fn open(
    ruleset: &Arc<Ruleset>,
    clock: &ManualClock,
    store: &MemoryStore,
    sinks: Option<&Arc<Sinks>>,
) -> Result<Engine, Broken> {
    let mut builder = Engine::builder().ruleset(ruleset.clone()).clock(clock.clone()).store(store.clone());
    if let Some(sinks) = sinks {
        builder = sinks.attach(builder, ruleset);
    }
    builder.build().map_err(|error| Broken { promise: "open", how: error.to_string() })
}

fn observed(engine: &Engine) -> Timestamp {
    engine.next_wakeup() - engine.until_wakeup()
}

impl World {
    pub(super) fn new(ruleset: Arc<Ruleset>, plan: &PlanText, ears: Ears) -> Result<Self, Broken> {
        let (clock, store) = (ManualClock::at(plan.starts), MemoryStore::new());
        let sinks = (ears == Ears::Open && plan.has_sinks()).then(|| Sinks::new(&plan.sinks));
        let engine = open(&ruleset, &clock, &store, sinks.as_ref())?;
        let now = observed(&engine);
        let mut book = Book::new(ruleset.clone(), plan, now);
        book.post.open(sinks.as_ref().map_or(Vec::new(), |sinks| sinks.served(&ruleset)));
        let mut world = Self {
            book,
            saved: None,
            watched: None,
            naive: Naive::new(now),
            watch: Watch::new(now, ruleset.watched_gap()),
            due: now.next(ruleset.evaluate_every),
            now,
            seen: 0,
            is_away: false,
            is_live: false,
            is_plain: sinks.is_none(),
            sinks,
            first_life: None,
            starts: plan.starts,
            has_restarted: false,
            version: 0,
            probes: Vec::new(),
            probed: Vec::new(),
            evaluations: 0,
            coverage: Coverage::default(),
            ruleset,
            clock,
            store,
            engine,
        };
        world.probe()?;
        Ok(world)
    }

    pub(super) fn status(&self) -> RolloutStatus {
        self.engine.status()
    }

    /// One thing happens; everything that must be so is.
    pub(super) fn apply(&mut self, event: &Event) -> Kept {
        // A replay evaluates before what comes at the same instant.
        let is_late = self.now >= self.due && !matches!(event, Event::Pass(_) | Event::Tick | Event::Ask(_));
        self.is_plain &= event.line(self.now).is_some() && !is_late;
        match event {
            Event::Pass(span) => {
                self.clock.advance(*span);
                self.now = self.now + *span;
                Ok(())
            }
            Event::Tick => {
                if self.now < self.due {
                    self.engine.tick();
                    self.book.ask_host(self.now);
                    return self.read("an early tick").and_then(|()| self.delivered());
                }
                self.evaluate()
            }
            Event::Value { .. }
            | Event::Outcomes { .. }
            | Event::Count { .. }
            | Event::Points { .. }
            | Event::Alert { .. }
            | Event::Closed { .. } => self.measured(event),
            Event::Live => {
                self.is_live = true;
                self.naive.live_since.get_or_insert(self.now);
                self.engine.alerts();
                let _ = self.engine.metric("crash");
                Ok(())
            }
            Event::Ask(command) => self.ask(command),
            Event::Jump(by_ms) => {
                self.clock.jump_wall(*by_ms);
                self.coverage.see("fault: calendar set");
                Ok(())
            }
            Event::Away => {
                if !self.is_away && self.is_saved() {
                    self.saved = Some(Box::new(self.book.clone()));
                    self.watched = Some(self.watch.clone());
                    self.store.go_away();
                    self.is_away = true;
                    self.coverage.see("fault: store away");
                }
                Ok(())
            }
            Event::Back => {
                self.store.come_back();
                self.is_away = false;
                Ok(())
            }
            Event::Restart(down) => self.restart(*down),
            Event::Sink { channel, mood } => {
                if let Some(sinks) = &self.sinks {
                    sinks.set(*channel, *mood);
                }
                Ok(())
            }
        }
    }

    /// Something was measured, or an alert changed.
    fn measured(&mut self, event: &Event) -> Kept {
        match event {
            Event::Value { metric, value, count, whose } => self.value(metric, *value, *count, whose),
            Event::Outcomes { metric, trues, total, whose } => {
                if let Ok(handle) = self.engine.metric(metric) {
                    match whose {
                        Whose::Nobody => handle.record_outcomes(*trues, *total),
                        Whose::Key(key) => handle.record_outcomes_for(key, *trues, *total),
                    }
                }
                if *total > 0 {
                    self.naive.record("err", *trues as f64 / *total as f64, *total, self.now);
                }
                Ok(())
            }
            Event::Count { .. } | Event::Alert { .. } | Event::Closed { .. } if !self.is_live => {
                self.is_plain = false;
                Ok(())
            }
            Event::Count { count, .. } => {
                self.naive.record("crash", 1.0, *count, self.now);
                self.recorded(|world| {
                    if let Ok(handle) = world.engine.metric("crash") {
                        handle.count(*count);
                    }
                })
            }
            Event::Points { points, .. } => {
                self.naive.record("points", *points, 1, self.now);
                self.recorded(|world| {
                    if let Ok(handle) = world.engine.metric("nps") {
                        handle.record_points(*points);
                    }
                })
            }
            Event::Alert { severity, id } => {
                self.naive.open_alert(*severity, id, self.now);
                self.recorded(|world| {
                    let _ = world.engine.alerts().open_alert(*severity, id);
                })
            }
            Event::Closed { id } => {
                self.naive.close_alert(id, self.now);
                self.engine.alerts().close_alert(id);
                self.read("a closed alert")
            }
            _ => Ok(()),
        }
    }

    /// Whether the store has every record.
    fn is_saved(&self) -> bool {
        let stored = self.store.load(0).ok().flatten();
        stored.map_or(0, |stored| stored.journal.len() as u64) == self.seen
    }

    fn value(&mut self, metric: &'static str, value: f64, count: u64, whose: &Whose) -> Kept {
        let is_possible = count <= SAMPLES_AT_ONCE_MAX && (metric != "nps" || (0.0..=10.0).contains(&value));
        let kept = if is_possible { value } else { f64::NAN };
        self.naive.record(metric, kept, count, self.now);
        let record = |world: &mut Self| {
            if let Ok(handle) = world.engine.metric(metric) {
                match whose {
                    Whose::Nobody => handle.record_many(value, count),
                    Whose::Key(key) => handle.record_many_for(key, value, count),
                }
            }
        };
        if metric == "lat" {
            record(self);
            return Ok(());
        }
        self.recorded(record)
    }

    // ---- what must be so

    fn oracle(&self, clip: Timestamp) -> Oracle<'_> {
        Oracle {
            ruleset: &self.ruleset,
            naive: &self.naive,
            watch: &self.watch,
            shares: &self.book.shares,
            entered: self.book.entered,
            clip,
            now: self.now,
            has_restarted: self.has_restarted,
        }
    }

    /// What is to be said of the live triggers now.
    fn says(&mut self, is_at_once: bool, moves: bool) -> Vec<(usize, usize, Say)> {
        let Some(phase) = self.book.live() else { return Vec::new() };
        let mut streaks = std::mem::take(&mut self.book.streaks);
        let kept = (!moves).then(|| streaks.clone());
        let oracle = self.oracle(self.book.cut.unwrap_or(Timestamp::MIN));
        let triggers = &self.ruleset.plan.as_ref().expect("a plan").phases[phase].triggers;
        let live = triggers.iter().enumerate().filter(|(_, trigger)| !is_at_once || trigger.is_at_once);
        let says =
            live.map(|(index, trigger)| (phase, index, oracle.fires(&trigger.when, &mut streaks))).collect();
        self.book.streaks = kept.unwrap_or(streaks);
        says
    }

    /// A call that may fire triggers: those that must, do, once; those that must not, do not.
    fn expect(&mut self, says: &[(usize, usize, Say)], what: &str, call: impl FnOnce(&mut Self)) -> Kept {
        let must_fire: Vec<(usize, usize)> = says
            .iter()
            .filter(|(phase, index, say)| {
                let latch = self.book.latches.get(&(*phase, *index));
                *say == Say::Yes
                    && matches!(latch, None | Some(Latch::Open))
                    && self.book.can_lower(*phase, *index)
            })
            .map(|(phase, index, _)| (*phase, *index))
            .collect();
        let may_not: Vec<(usize, usize)> = says
            .iter()
            .filter(|(phase, index, say)| {
                matches!(say, Say::No | Say::Few | Say::Blind | Say::Skip)
                    || !self.book.can_lower(*phase, *index)
            })
            .map(|(phase, index, _)| (*phase, *index))
            .collect();
        self.book.begin(self.clock.wall());
        call(self);
        self.read_records(what)?;
        let plan = self.ruleset.plan.as_ref().expect("a plan");
        let rule = |(phase, index): &(usize, usize)| &plan.phases[*phase].triggers[*index];
        for place in &must_fire {
            let rule = rule(place);
            let has_fired = self.book.fired.iter().any(|fired| rule.key == **fired);
            must(has_fired, "G8", || {
                format!("trigger {} holds at {what} and did not fire: {:?}", rule.key, rule.when.kind)
            })?;
            self.coverage.see(match rule.mode {
                TriggerMode::Automatic => "oracle: must fire (automatic)",
                TriggerMode::Manual => "oracle: must fire (manual)",
            });
        }
        for place in &may_not {
            let rule = rule(place);
            let has_fired = self.book.fired.iter().any(|fired| rule.key == **fired);
            must(!has_fired, "G8", || {
                let say =
                    says.iter().find(|(phase, index, _)| (*phase, *index) == *place).map(|(.., say)| *say);
                format!(
                    "trigger {} fired at {what}, and the oracle says {say:?}: {:?}",
                    rule.key, rule.when.kind
                )
            })?;
        }
        for fired in self.book.fired.clone() {
            let is_live = says.iter().any(|(phase, index, _)| rule(&(*phase, *index)).key == *fired.as_str());
            must(is_live, "G8", || format!("trigger {fired} fired at {what} and is not live"))?;
        }
        Ok(())
    }

    /// Latches open once the condition of their trigger has been false on a window wholly after the rollback.
    fn reopen_latches(&mut self, says: &[(usize, usize, Say)]) {
        for (phase, index, say) in says {
            let trigger = &self.ruleset.plan.as_ref().expect("a plan").phases[*phase].triggers[*index];
            let mut is_running = false;
            let mut longest = Span::ZERO;
            trigger.when.walk(&mut |inner| match &inner.kind {
                ConditionKind::Measure(measure) => {
                    let streak =
                        measure.sustained.map(|sustained| self.book.streaks[sustained.streak.index()]);
                    is_running |= streak.is_some_and(|streak| streak.is_running());
                    if let Window::Over(span) = measure.query.window {
                        longest = longest.max(span);
                    }
                }
                ConditionKind::Alerts(_, rule) => {
                    longest = longest.max(match *rule {
                        rollgate::core::snapshot::AlertRule::Count { within: span, .. }
                        | rollgate::core::snapshot::AlertRule::QuietFor(span)
                        | rollgate::core::snapshot::AlertRule::OpenFor(span) => span,
                    });
                }
                _ => {}
            });
            let is_pending = self.book.proposals.contains(trigger.key.as_str());
            let is_whole = self.book.cut.is_none_or(|cut| self.now.since(cut) >= longest);
            if is_pending || !is_whole {
                continue;
            }
            let Some(latch) = self.book.latches.get_mut(&(*phase, *index)) else { continue };
            match (say, *latch) {
                // A raise that cannot be written takes what its evaluation saw back with it.
                (Say::No, Latch::Closed) if !is_running && self.is_away => *latch = Latch::Maybe,
                (Say::No, _) if !is_running && !self.is_away => *latch = Latch::Open,
                (Say::Few | Say::Unknown, Latch::Closed) => *latch = Latch::Maybe,
                // A streak that the oracle sees running the engine may see ended, where anything was unclear.
                (Say::No, Latch::Closed) if is_running => {}
                _ => {}
            }
        }
    }

    /// An evaluation.
    fn evaluate(&mut self) -> Kept {
        self.evaluations += 1;
        // A replay evaluates at every instant on its way.
        self.is_plain &= self.now == self.due;
        self.watch.evaluated(self.now);
        self.naive.seal(self.now);
        let says = self.says(false, true);
        says.iter().for_each(|(.., say)| self.coverage.see(&format!("oracle says {say:?}")));
        self.reopen_latches(&says);
        self.expect(&says, "an evaluation", |world| world.engine.tick())?;
        self.delivered()?;
        self.book.post.check_given_up(self.now)?;
        self.book.check_after_evaluation(&self.watch, self.now)?;
        self.book.ask_host(self.now);
        if !self.is_away {
            self.book.check_step_came(&self.watch, self.now)?;
        }
        self.due = self.now.next(self.ruleset.evaluate_every);
        must(self.engine.next_wakeup() == self.due, "5.2", || {
            format!("the next evaluation is at {}, not at {}", self.engine.next_wakeup(), self.due)
        })?;
        if self.evaluations.is_multiple_of(64) {
            let bytes = self.engine.window_bytes();
            must(bytes <= WINDOW_BYTES_MAX, "G12", || format!("the windows hold {bytes} bytes"))?;
        }
        Ok(())
    }

    /// A recording call that may fire at once.
    fn recorded(&mut self, call: impl FnOnce(&mut Self)) -> Kept {
        let says = self.says(true, false);
        let before = self.book.fired.len();
        self.expect(&says, "a recording call", call)?;
        if self.book.fired.len() > before {
            self.coverage.see("fired at once");
        }
        Ok(())
    }

    fn ask(&mut self, command: &Command) -> Kept {
        if self.now >= self.due {
            self.evaluate()?;
        }
        let before = (self.book.status.clone(), self.book.phase, self.book.shares.clone());
        self.book.begin(self.clock.wall());
        self.book.asked = Some(command.clone());
        let under_way = self.book.under_way();
        let outcome = self.engine.command(command);
        self.coverage.see(&format!(
            "command {}: {}",
            command.action.name(),
            match &outcome {
                Ok(()) => "done".to_owned(),
                Err(error) => format!("{:?}", error.kind()),
            }
        ));
        self.read_records("a command")?;
        must(self.book.fired.is_empty(), "G8", || "a trigger fired inside a command".to_owned())?;
        if let Action::Report(result) = &command.action {
            let is_it = under_way
                .as_ref()
                .is_some_and(|(key, run)| *key == result.action && Some(*run) == result.run);
            let is_taken = self.book.acts.ended.is_some();
            must(self.is_away || (is_taken == outcome.is_ok() && (is_taken || !is_it)), "R42", || {
                format!("{result:?}: {outcome:?}, and {under_way:?} was under way")
            })?;
            self.coverage.add("actions: a result of something else refused", u64::from(!is_it && !is_taken));
        }
        if outcome.is_err() && !self.is_away {
            let after = (self.book.status.clone(), self.book.phase, self.book.shares.clone());
            must(before == after, "6.4", || {
                format!("a refused {} changed something", command.action.name())
            })?;
        }
        Ok(())
    }

    fn restart(&mut self, down: Span) -> Kept {
        self.store.come_back();
        self.is_away = false;
        self.clock.advance(down);
        let stored = self.store.load(0).ok().flatten().map_or(Vec::new(), |stored| stored.journal);
        let known = self.engine.journal_after(0);
        must(known.starts_with(&stored), "G10", || {
            "the store has records that the engine does not have".to_owned()
        })?;
        if self.first_life.is_none() {
            self.first_life = Some(known.clone());
        }
        if stored.len() as u64 != self.seen {
            // What had not been written is gone with the process.
            let Some(saved) = self.saved.take() else {
                return must(false, "G10", || "records were lost although the store was there".to_owned());
            };
            let seen = (self.book.seen.clone(), self.book.post.seen.clone());
            self.book = *saved;
            (self.book.seen, self.book.post.seen) = seen;
            if let Some(watched) = self.watched.take() {
                self.watch = watched;
            }
            self.coverage.see("restart that lost records");
        }
        self.seen = stored.len() as u64;
        self.saved = None;
        self.engine = open(&self.ruleset, &self.clock, &self.store, self.sinks.as_ref())?;
        let before = std::mem::replace(&mut self.now, observed(&self.engine));
        let served = self.sinks.as_ref().map_or(Vec::new(), |sinks| sinks.served(&self.ruleset));
        self.book.post.reopen(served, self.now);
        self.due = self.engine.next_wakeup();
        self.naive = Naive::new(self.now);
        self.watch.reopened(self.now, self.watched.take());
        self.is_live = false;
        self.has_restarted = true;
        self.version = 0;
        self.probes.clear();
        self.book.reopened(self.now.max(before));
        let says = self.says(false, false);
        self.coverage.see("restart");
        self.expect(&says, "a restart", |_| {})?;
        self.stands()
    }

    // ---- reading

    fn read(&mut self, what: &str) -> Kept {
        self.book.begin(self.clock.wall());
        self.read_records(what)?;
        must(self.book.fired.is_empty(), "G8", || format!("a trigger fired in {what}"))
    }

    /// Reads what the journal has that was not read yet, and checks it.
    fn read_records(&mut self, what: &str) -> Kept {
        self.watch.touched(self.now);
        let calls = self.sinks.as_ref().map_or(Vec::new(), |sinks| sinks.calls());
        self.book.post.begin(calls, self.clock.wall());
        let lines = self.engine.journal_after(self.seen);
        self.seen += lines.len() as u64;
        for line in &lines {
            let record: Value = serde_json::from_str(line)
                .map_err(|error| Broken { promise: "journal", how: error.to_string() })?;
            self.see(&record);
            let kept = self.book.take(&record, &self.watch, self.now);
            kept.map_err(|broken| Broken { how: format!("{} (at {what})", broken.how), ..broken })?;
            let status = record["status"].as_str().unwrap_or_default();
            match status {
                "paused" => self.watch.pause(self.now),
                _ => self.watch.run(self.now),
            }
            self.check_gates()?;
        }
        if self.book.is_marked {
            self.naive.mark(self.now);
        }
        if !lines.is_empty() {
            self.probe()?;
        }
        let shares: Vec<Share> = self.engine.shares().into_iter().map(|(_, share)| share).collect();
        self.book.check_shares(&shares)?;
        if !matches!(what, "an evaluation" | "an early tick") {
            self.book.post.check_silent()?;
        }
        self.book.check_failure()
    }

    /// What the sinks were asked in a tick is what was owed.
    fn delivered(&mut self) -> Kept {
        self.book.post.after_tick(&self.ruleset, self.now, self.clock.wall())
    }

    /// A phase passed, or a step was applied: what it asked may hold on what there is.
    fn check_gates(&mut self) -> Kept {
        if let Some(phase) = self.book.passing.take() {
            let oracle = self.oracle(self.book.gates_from);
            let gates = &self.ruleset.plan.as_ref().expect("a plan").phases[phase].gates;
            let said = |kind: &ConditionKind| match kind {
                ConditionKind::Attest(attest) => self.book.is_attested(phase, attest.item.as_str()),
                _ => self.book.is_checked(phase),
            };
            let counting = gates.iter().filter(|gate| !gate.is_dry_run);
            must(counting.clone().count() > 0, "G9", || "a phase passed without a gate".to_owned())?;
            for gate in counting {
                must(oracle.may_pass(&gate.condition, &said), "G7", || {
                    format!(
                        "phase p{phase} passed, and gate {} cannot pass: {:?}",
                        gate.key, gate.condition.kind
                    )
                })?;
            }
            self.coverage.see("phase passed on its gates");
        }
        if let Some((phase, step)) = self.book.stepped.take() {
            let oracle = self.oracle(self.book.gates_from);
            let only_if =
                self.ruleset.plan.as_ref().and_then(|plan| plan.phases[phase].steps[step].only_if.as_ref());
            let holds = only_if.is_none_or(|only_if| oracle.may_pass(only_if, &|_| true));
            must(holds, "G7", || {
                format!("step {} of p{phase} was applied, and its only_if cannot hold", step + 1)
            })?;
            self.coverage.see("step with only_if applied");
        }
        Ok(())
    }

    /// Who gets what: raising only adds subjects, lowering only removes them.
    fn probe(&mut self) -> Kept {
        let version = self.engine.snapshot().version();
        must(version >= self.version, "G6", || format!("version {version} came after {}", self.version))?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        let flags: Vec<String> = self.ruleset.flags.iter().map(|flag| flag.key.to_string()).collect();
        let probes: Vec<u64> = flags
            .iter()
            .map(|flag| {
                let on = |probe: &usize| self.engine.is_on(flag, &format!("probe-{probe}"));
                (0..PROBES).filter(on).fold(0, |set, probe| set | (1 << probe))
            })
            .collect();
        let shares: Vec<Share> = if self.book.is_killed {
            vec![Share::ZERO; flags.len()]
        } else {
            self.engine.shares().into_iter().map(|(_, share)| share).collect()
        };
        for (index, flag) in flags.iter().enumerate() {
            let (now, share) = (probes[index], shares[index]);
            must(share > Share::ZERO || now == 0, "G4", || format!("{flag} is at 0 % and somebody gets it"))?;
            let Some(before) = self.probes.get(index).copied() else { continue };
            // A child is on only where its parents are.
            let mut chain = vec![index];
            while let Some(parent) = self.ruleset.flags[chain[chain.len() - 1]].parent {
                chain.push(parent.flag.index());
            }
            let rises = chain.iter().all(|flag| shares[*flag] >= self.probed[*flag]);
            let falls = chain.iter().all(|flag| shares[*flag] <= self.probed[*flag]);
            must(!rises || before & !now == 0, "G3", || format!("{flag} rose, and somebody lost it"))?;
            must(!falls || now & !before == 0, "G3", || format!("{flag} fell, and somebody got it"))?;
        }
        (self.probes, self.probed) = (probes, shares);
        Ok(())
    }

    /// Counts what a record tells.
    fn see(&mut self, record: &Value) {
        let kind = record["kind"].as_str().unwrap_or_default();
        self.coverage.see(&format!("record {kind}"));
        self.coverage.see(&format!("status {}", record["status"].as_str().unwrap_or_default()));
        match kind {
            "trigger_fired" => {
                let fired = record["trigger"].as_str().unwrap_or_default();
                let phases = self.ruleset.plan.iter().flat_map(|plan| &plan.phases);
                let rule = phases.flat_map(|phase| &phase.triggers).find(|rule| rule.key == *fired);
                if let Some(rule) = rule {
                    let mut kinds = Vec::new();
                    rule.when.walk(&mut |inner| kinds.push(name_of(&self.ruleset, &inner.kind)));
                    kinds.iter().for_each(|kind| self.coverage.see(&format!("fired: {kind}")));
                }
            }
            "gates_passed" | "gates_failed" | "gates_inconclusive" => {
                for finding in record["findings"].as_array().into_iter().flatten() {
                    let verdict = finding["verdict"].as_str().unwrap_or_default();
                    let cause = finding["cause"].as_str().unwrap_or_default();
                    self.coverage.see(format!("verdict {verdict} {cause}").trim_end());
                }
            }
            "rolled_back" => {
                let cause = record["cause"]["kind"].as_str().unwrap_or_default();
                self.coverage.see(&format!("rollback by {cause}"));
            }
            _ => {}
        }
    }

    /// Where the engine says that it stands is where its journal leaves it.
    fn stands(&mut self) -> Kept {
        if self.now >= self.due {
            return Ok(());
        }
        let status = self.engine.status();
        must(status.status.name() == self.book.status, "journal", || {
            format!("the engine is {} and its journal {}", status.status.name(), self.book.status)
        })?;
        let phase = status.phase.as_ref().map(ToString::to_string);
        let known =
            self.book.phase.and_then(|phase| Some(self.ruleset.plan.as_ref()?.phases[phase].key.to_string()));
        must(phase == known, "journal", || {
            format!("the engine is in {phase:?}, and its journal in {known:?}")
        })?;
        let plan = self.ruleset.plan.as_ref().expect("a plan");
        let triggers: usize = plan.phases.iter().map(|phase| phase.triggers.len()).sum();
        must(status.proposals.len() <= triggers, "G12", || "more proposals than triggers".to_owned())?;
        must(status.votes.len() <= self.ruleset.roles.len(), "G12", || "more votes than roles".to_owned())
    }

    /// The end: the journal verifies, and tells where the engine stands.
    pub(super) fn end(&mut self) -> Kept {
        self.stands()?;
        let lines = self.engine.journal_after(0);
        let recalled = journal::recall(lines.iter().map(String::as_str))
            .map_err(|error| Broken { promise: "journal", how: error.to_string() })?;
        must(recalled.status == self.book.status, "6.12", || {
            format!("the journal recalls {}, and the engine is {}", recalled.status, self.book.status)
        })?;
        for (flag, share) in self.engine.shares() {
            let told = recalled.shares.get(flag.as_str()).copied().unwrap_or_default();
            must(told.to_bits() == share.fraction().to_bits(), "6.12", || {
                format!("the journal recalls {told} of {flag}, and the engine serves {share}")
            })?;
        }
        let bytes = self.engine.window_bytes();
        must(bytes <= WINDOW_BYTES_MAX, "G12", || format!("the windows hold {bytes} bytes"))?;
        // A flood of bad samples must not fill the journal either: sixteen at once, and one an hour.
        let dropped = self.coverage.of("record dropped");
        let hours = self.now.since(self.starts).0 / 3_600_000;
        let most = METRICS.len() as u64 * (17 + hours) * (1 + self.coverage.of("restart"));
        must(dropped <= most, "G12", || format!("{dropped} records of drops"))?;
        self.coverage.add("evaluations", self.evaluations);
        self.coverage.merge(&self.book.seen);
        self.coverage.merge(&self.book.post.seen);
        self.coverage.see(&format!("ended {}", Status::name(self.engine.status().status)));
        Ok(())
    }
}

fn name_of(ruleset: &Ruleset, kind: &ConditionKind) -> String {
    match kind {
        ConditionKind::Measure(measure) => {
            let metric = match measure.query.subject {
                rollgate::core::snapshot::Subject::Metric(id) => ruleset.metric(id).key.to_string(),
                rollgate::core::snapshot::Subject::Rollbacks => "rollbacks".to_owned(),
            };
            let sustained = if measure.sustained.is_some() { " for" } else { "" };
            format!("{metric} {}{sustained}", measure.query.stat)
        }
        ConditionKind::Alerts(_, rollgate::core::snapshot::AlertRule::OpenFor(_)) => {
            "alerts open_for".to_owned()
        }
        ConditionKind::Alerts(..) => "alerts within".to_owned(),
        ConditionKind::PhaseFor(_) => "phase_for".to_owned(),
        ConditionKind::ShareAbove(..) => "share_above".to_owned(),
        ConditionKind::All(_) => "all".to_owned(),
        ConditionKind::Any(_) => "any".to_owned(),
        _ => "other".to_owned(),
    }
}
