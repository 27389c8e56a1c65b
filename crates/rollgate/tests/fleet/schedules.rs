//! Random schedules of pauses, cuts, lost answers, skewed clocks, kills and rollbacks over several nodes on one store.
//!
//! The tests run a few hundred of them; `ROLLGATE_SCHEDULES=10000` runs as many as it says, from the same seeds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rollgate::clock::ManualClock;
use rollgate::core::error::Error;
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::read::Format;
use rollgate::store::{
    Checkpoint, Claim, Commit, Head, Lease, Report, Reported, Restored, SharedMemoryStore, SharedStore,
    Store, Stored,
};
use rollgate::{Engine, journal};
use serde_json::Value;

use crate::stage::START;

const PLAN: &str = "
version: 1
name: schedules
evaluate_every: 5s
flags: { NEW: {} }
metrics:
  heap: { kind: gauge, unit: MB, good: down, curable: true }
  latency: { kind: distribution, unit: ms }
roles: { ann: {} }
phases:
  - id: some
    duration: 4m
    steps:
      - { set: { NEW: 10% }, hold: 1m }
      - { set: { NEW: 40% }, hold: 1m }
      - { set: { NEW: 60% } }
    gates: { time: { phase_for: 4m } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    contingency: { to: zero }
  - id: all
    duration: 4m
    steps: [ { set: { NEW: 100% } } ]
    gates: { time: { phase_for: 4m } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    contingency: { to: zero }
";

/// Enough to tell the shares of this plan apart.
const SUBJECTS: [&str; 24] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x",
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// Watches what the store accepts.
#[derive(Default)]
struct Audit {
    /// The highest epoch that was ever given out.
    given: AtomicU64,
    /// Commits under a lower epoch than one that was given out before.
    stale: AtomicU64,
    commits: AtomicU64,
    /// Shares after each revision, in parts per million: what may be served.
    shares: Mutex<Vec<u32>>,
}

/// The way of a node to the store, past the audit.
struct Watched {
    way: SharedMemoryStore,
    audit: Arc<Audit>,
    others: Arc<Mutex<Others>>,
}

/// Nodes that run in the middle of what another one does: between what it read and what it writes.
struct Others {
    dice: Dice,
    engines: Vec<Engine>,
    /// One is in the middle of something, and another one runs.
    is_between: bool,
    intrusions: u64,
}

impl Watched {
    /// Now and then another node does something first.
    fn between(&self) {
        let mut others = self.others.lock().unwrap();
        if others.is_between || others.engines.is_empty() || others.dice.below(3) > 0 {
            return;
        }
        let count = others.engines.len() as u64;
        let which = others.dice.below(count) as usize;
        let what = others.dice.below(6);
        let Some(engine) = others.engines.get(which).cloned() else { return };
        others.is_between = true;
        others.intrusions += 1;
        drop(others);
        match what {
            0 => _ = engine.pause("ann", "in between"),
            1 => _ = engine.resume("ann", "in between"),
            2 => _ = engine.set_shares("ann", &[("NEW", Share::from_ppm(50_000).unwrap())], "between"),
            3 => engine.metric("heap").unwrap().record(1_500.0),
            _ => {}
        }
        engine.tick();
        self.others.lock().unwrap().is_between = false;
    }
}

impl Store for Watched {
    fn load(&self, after: u64) -> Result<Option<Stored>, Error> {
        self.way.load(after)
    }
    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error> {
        self.between();
        let given = self.audit.given.load(Ordering::Relaxed);
        let before = self.way.node().head().unwrap().revision;
        let outcome = self.way.commit(commit);
        // What was accepted, whether or not the node learns it.
        let after = self.way.node().head().unwrap().revision;
        if after > before {
            self.audit.commits.fetch_add(1, Ordering::Relaxed);
            if commit.epoch < given {
                self.audit.stale.fetch_add(1, Ordering::Relaxed);
            }
            self.audit.shares.lock().unwrap().push(commit.state.shares[0].ppm());
        }
        outcome
    }
    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }
}

impl SharedStore for Watched {
    fn head(&self) -> Result<Head, Error> {
        self.way.head()
    }
    fn take(&self, seen: Option<&Lease>, claim: &Claim<'_>) -> Result<Option<u64>, Error> {
        self.between();
        let outcome = self.way.take(seen, claim);
        let epoch = self.way.node().head().unwrap().lease.map_or(0, |lease| lease.epoch);
        self.audit.given.fetch_max(epoch, Ordering::Relaxed);
        outcome
    }
    fn beat(
        &self,
        epoch: u64,
        claim: &Claim<'_>,
        watched: &rollgate::core::decide::Watched,
    ) -> Result<(), Error> {
        self.way.beat(epoch, claim, watched)
    }
    fn leave(&self, epoch: u64, holder: &str) -> Result<(), Error> {
        self.way.leave(epoch, holder)
    }
    fn report(&self, report: &Report<'_>) -> Result<u64, Error> {
        self.between();
        self.way.report(report)
    }
    fn reports(&self, after: u64) -> Result<Vec<Reported>, Error> {
        self.way.reports(after)
    }
    fn save(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
        self.between();
        self.way.save(checkpoint)
    }
    fn restore(&self) -> Result<Option<Restored>, Error> {
        self.way.restore()
    }
}

struct Node {
    engine: Engine,
    clock: ManualClock,
    way: SharedMemoryStore,
    /// Until when it stands still, and nothing of it runs.
    paused: u64,
    /// Since when it has a reading that must have rolled it back, by the world's time.
    spiked: Option<u64>,
    /// How many retries it knew of when it rolled back: it goes up again after another one only.
    fell: Option<usize>,
    /// Since when it reaches the store, and hears its answers.
    reaches_since: u64,
}

/// What happened over many schedules: so that a test of nothing cannot pass.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    steps: u64,
    rollbacks: u64,
    changes_of_hands: u64,
    pauses: u64,
    cuts: u64,
    lost_answers: u64,
    kills: u64,
    jumps: u64,
    commands: u64,
    refused: u64,
    unanswered: u64,
    commits: u64,
    evaluated_spikes: u64,
    intrusions: u64,
    recorded: u64,
    heard: u64,
}

struct World {
    dice: Dice,
    seed: u64,
    store: SharedMemoryStore,
    audit: Arc<Audit>,
    others: Arc<Mutex<Others>>,
    nodes: Vec<Node>,
    /// Milliseconds since the start.
    now: u64,
    notes: u64,
    /// Remarks that were acknowledged, and those that were not.
    acknowledged: Vec<String>,
    unanswered: Vec<String>,
    /// How many of the subjects are on at a share.
    served: BTreeMap<u32, usize>,
    /// Samples, on all nodes.
    recorded: u64,
    tally: Tally,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let store = SharedMemoryStore::new();
        let audit = Arc::new(Audit::default());
        let others = Others { dice: Dice(!seed), engines: Vec::new(), is_between: false, intrusions: 0 };
        let count = 2 + dice.below(4);
        let mut world = Self {
            dice,
            seed,
            store,
            audit,
            others: Arc::new(Mutex::new(others)),
            nodes: Vec::new(),
            now: 0,
            notes: 0,
            acknowledged: Vec::new(),
            unanswered: Vec::new(),
            served: BTreeMap::new(),
            recorded: 0,
            tally: Tally::default(),
        };
        for _ in 0..count {
            let node = world.open();
            world.nodes.push(node);
        }
        world.nodes[0].engine.start("ann").unwrap();
        world
    }

    /// A node whose calendar is up to an hour off.
    fn open(&mut self) -> Node {
        let way = self.store.node();
        let skew = self.dice.below(7_200_000) as i64 - 3_600_000;
        let skew = if self.dice.below(2) == 0 { 0 } else { skew };
        let clock = ManualClock::at(Timestamp(START.0 + self.now as i64 + skew));
        let (audit, others) = (self.audit.clone(), self.others.clone());
        let watched = Watched { way: way.clone(), audit, others };
        let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
        let engine = builder.store(watched).clock(clock.clone()).build().unwrap();
        Node { engine, clock, way, paused: 0, spiked: None, fell: None, reaches_since: 0 }
    }

    fn share(&self, node: usize) -> u32 {
        self.nodes[node].engine.shares()[0].1.ppm()
    }

    fn disturb(&mut self) {
        let node = self.dice.below(self.nodes.len() as u64) as usize;
        let is_running = self.nodes[node].paused <= self.now;
        match self.dice.below(100) {
            0..=9 => {
                self.nodes[node].paused = self.now + 1_000 * (1 + self.dice.below(60));
                self.tally.pauses += 1;
            }
            10..=19 => {
                self.nodes[node].way.go_away();
                self.nodes[node].reaches_since = u64::MAX;
                self.tally.cuts += 1;
            }
            20..=24 => {
                self.nodes[node].way.lose_answers();
                self.nodes[node].reaches_since = u64::MAX;
                self.tally.lost_answers += 1;
            }
            25..=54 => self.mend(node),
            55..=59 => {
                self.nodes[node].clock.jump_wall(self.dice.below(7_200_000) as i64 - 3_600_000);
                self.tally.jumps += 1;
            }
            60..=64 if is_running => {
                // Ends as a kill does, and a new process comes.
                self.nodes[node].way.go_away();
                self.nodes[node] = self.open();
                self.tally.kills += 1;
            }
            65..=66 if is_running => {
                // Ends as it should.
                let new = self.open();
                self.nodes[node] = new;
            }
            67..=71 if is_running => {
                let is_exposed = self.share(node) > 0;
                self.nodes[node].engine.metric("heap").unwrap().record(2_000.0);
                if is_exposed {
                    self.nodes[node].spiked.get_or_insert(self.now);
                }
            }
            98..=99 if is_running => {
                let more = 1 + self.dice.below(50);
                self.nodes[node].engine.metric("latency").unwrap().record_many(100.0, more);
                self.recorded += more;
            }
            72..=80 if is_running => {
                self.nodes[node].engine.metric("heap").unwrap().record(500.0);
                self.nodes[node].spiked = None;
            }
            81..=90 if is_running => self.remark(node),
            91..=95 if is_running => self.retry(node),
            96..=97 if is_running => {
                let engine = &self.nodes[node].engine;
                let _ = engine.set_shares("ann", &[("NEW", Share::from_ppm(50_000).unwrap())], "lower");
            }
            _ => {}
        }
    }

    fn mend(&mut self, node: usize) {
        self.nodes[node].way.come_back();
        // One that was away is asked again after a second.
        self.nodes[node].reaches_since = self.now + 1_500;
    }

    fn remark(&mut self, node: usize) {
        self.notes += 1;
        let text = format!("remark-{}-", self.notes);
        self.tally.commands += 1;
        match self.nodes[node].engine.annotate("ann", &text, None) {
            Ok(()) => self.acknowledged.push(text),
            Err(_) => {
                self.tally.unanswered += 1;
                self.unanswered.push(text);
            }
        }
    }

    fn retry(&mut self, node: usize) {
        self.tally.commands += 1;
        // A level that is not cured would fire again at once.
        self.nodes[node].engine.metric("heap").unwrap().record(500.0);
        if self.nodes[node].engine.retry("ann").is_err() {
            self.tally.refused += 1;
        }
        self.nodes[node].spiked = None;
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        for index in 0..self.nodes.len() {
            self.nodes[index].clock.advance(Span(ms));
            if self.nodes[index].paused > self.now {
                // Nothing of it runs: its rollback waits as long.
                self.nodes[index].spiked = self.nodes[index].spiked.map(|_| self.now);
                continue;
            }
            let others = self.nodes.iter().enumerate().filter(|(other, node)| {
                // One that owes a rollback is not moved by others: what it is checked for is what it did itself.
                *other != index && node.paused <= self.now && node.spiked.is_none() && node.fell.is_none()
            });
            self.others.lock().unwrap().engines = others.map(|(_, node)| node.engine.clone()).collect();
            let known = self.audit.shares.lock().unwrap().len();
            self.nodes[index].engine.tick();
            self.others.lock().unwrap().engines.clear();
            self.check(index, known);
        }
    }

    /// `known`: how many commits there were before it looked.
    fn check(&mut self, index: usize, known: usize) {
        let share = self.share(index);
        // What the state says is what is served.
        let flag = self.nodes[index].engine.flag("NEW");
        let served = SUBJECTS.iter().filter(|key| flag.is_on(key)).count();
        let learnt = *self.served.entry(share).or_insert(served);
        assert_eq!(served, learnt, "seed {}: node {index} serves something else than {share}", self.seed);
        // Who can reach the store, and has just looked, serves no more than it says.
        if self.nodes[index].reaches_since <= self.now {
            let stored = self.audit.shares.lock().unwrap();
            let allowed = stored[known.saturating_sub(1)..].iter().copied().max().unwrap_or(0);
            assert!(share <= allowed, "seed {}: node {index} serves {share}, stored is {allowed}", self.seed);
        }
        // What is served was stored once, or lies below: it can be no higher than the highest that was ever stored.
        let highest = self.audit.shares.lock().unwrap().iter().copied().max().unwrap_or(0);
        assert!(share <= highest, "seed {}: node {index} serves {share}, never stored", self.seed);
        if share > 0
            && let Some(known) = self.nodes[index].fell.take()
        {
            assert!(self.retries(index) > known, "seed {}: node {index} went up without a retry", self.seed);
        }
        if let Some(since) = self.nodes[index].spiked {
            // `last` holds at the next evaluation, and an evaluation is at most five seconds away.
            if share == 0 {
                self.nodes[index].spiked = None;
                self.nodes[index].fell = Some(self.retries(index));
                self.tally.evaluated_spikes += 1;
            } else {
                let lasted = self.now - since;
                assert!(
                    lasted <= 5_250,
                    "seed {}: node {index} has not rolled back for {lasted} ms",
                    self.seed
                );
            }
        }
    }

    fn retries(&self, index: usize) -> usize {
        let lines = self.nodes[index].engine.journal_after(0);
        lines.iter().filter(|line| line.contains("\"kind\":\"retried\"")).count()
    }

    /// Everything is mended, and all nodes have heard of everything.
    fn heal(&mut self) {
        for index in 0..self.nodes.len() {
            self.mend(index);
            self.nodes[index].paused = 0;
        }
        for _ in 0..200 {
            self.pass(250);
        }
        // The last thing to happen may have been seen by some only.
        for _ in 0..8 {
            let revision = self.store.head().unwrap().revision;
            let is_known =
                |node: &Node| node.engine.status().store.is_some_and(|own| own.revision == revision);
            if self.nodes.iter().all(is_known) {
                return;
            }
            self.pass(250);
        }
    }

    fn verify(&mut self) {
        let lines = self.store.load(0).unwrap().unwrap().journal;
        journal::verify(lines.iter().map(String::as_str)).unwrap();
        let seed = self.seed;
        for (index, node) in self.nodes.iter().enumerate() {
            let own = node.engine.journal_after(0);
            let same = own.iter().zip(&lines).take_while(|(own, stored)| own == stored).count();
            assert!(
                own == lines,
                "seed {seed}: node {index} has {} lines, {} are stored, {same} are the same: {:?}\n{}\n---\n{}",
                own.len(),
                lines.len(),
                node.engine.status().store,
                own[same..].join("\n"),
                lines[same..].join("\n")
            );
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let known = node.engine.totals("latency").unwrap().recorded;
            assert!(known <= self.recorded, "seed {seed}: node {index} has {known} of {}", self.recorded);
            self.tally.heard += known;
            self.tally.recorded += self.recorded;
        }
        let shares: Vec<u32> = (0..self.nodes.len()).map(|index| self.share(index)).collect();
        assert!(shares.windows(2).all(|two| two[0] == two[1]), "seed {seed}: {shares:?}");
        let leaders = self.nodes.iter().filter(|node| {
            node.engine.status().store.is_some_and(|store| store.role == rollgate::Role::Leader)
        });
        assert_eq!(leaders.count(), 1, "seed {seed}");
        self.verify_records(&lines);
        assert_eq!(self.audit.stale.load(Ordering::Relaxed), 0, "seed {seed}: a lower epoch has written");
        self.tally.intrusions += self.others.lock().unwrap().intrusions;
        self.tally.commits += self.audit.commits.load(Ordering::Relaxed);
        let epoch = self.store.head().unwrap().lease.unwrap().epoch;
        self.tally.changes_of_hands += epoch - 1;
    }

    fn verify_records(&mut self, lines: &[String]) {
        let seed = self.seed;
        if std::env::var("ROLLGATE_SEED").is_ok() {
            eprintln!("{}", lines.join("\n"));
        }
        // Steps of one attempt: applied once, in their order, each no sooner than its hold allows.
        let mut last: Option<(String, u64, i64)> = None;
        let mut remarks: BTreeMap<String, u64> = BTreeMap::new();
        for line in lines {
            let record: Value = serde_json::from_str(line).unwrap();
            let observed = Timestamp::parse(record["observed"].as_str().unwrap()).unwrap().0;
            match record["kind"].as_str().unwrap() {
                "step_applied" => {
                    let phase = record["phase"].as_str().unwrap().to_owned();
                    let step = record["step"].as_u64().unwrap();
                    match &last {
                        Some((of, before, at)) if *of == phase => {
                            assert_eq!(step, before + 1, "seed {seed}: {line}");
                            let waited = observed - at;
                            assert!(
                                waited >= 60_000,
                                "seed {seed}: {waited} ms after the step before: {line}"
                            );
                        }
                        _ => assert_eq!(step, 1, "seed {seed}: {line}"),
                    }
                    last = Some((phase, step, observed));
                    self.tally.steps += 1;
                }
                "retried" => last = None,
                "rolled_back" => self.tally.rollbacks += 1,
                "annotated" => {
                    let text = record["text"].as_str().unwrap().to_owned();
                    *remarks.entry(text).or_default() += 1;
                }
                _ => {}
            }
        }
        for text in &self.acknowledged {
            assert_eq!(remarks.get(text), Some(&1), "seed {seed}: acknowledged {text}");
        }
        for text in &self.unanswered {
            assert!(remarks.get(text).is_none_or(|times| *times == 1), "seed {seed}: doubled {text}");
        }
    }
}

fn run(seed: u64) -> Tally {
    let mut world = World::new(seed);
    let length = 60 + world.dice.below(120);
    for _ in 0..length {
        if world.dice.below(3) == 0 {
            world.disturb();
        }
        for _ in 0..=world.dice.below(24) {
            world.pass(250);
        }
    }
    world.heal();
    world.verify();
    world.tally
}

#[test]
fn random_schedules_break_no_promise() {
    let count = std::env::var("ROLLGATE_SCHEDULES").ok().map_or(200, |count| count.parse().unwrap());
    let mut sum = Tally::default();
    let first = std::env::var("ROLLGATE_SEED").ok().map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + count {
        let tally = run(seed);
        let add = |into: &mut u64, more: u64| *into += more;
        add(&mut sum.steps, tally.steps);
        add(&mut sum.rollbacks, tally.rollbacks);
        add(&mut sum.changes_of_hands, tally.changes_of_hands);
        add(&mut sum.pauses, tally.pauses);
        add(&mut sum.cuts, tally.cuts);
        add(&mut sum.lost_answers, tally.lost_answers);
        add(&mut sum.kills, tally.kills);
        add(&mut sum.jumps, tally.jumps);
        add(&mut sum.commands, tally.commands);
        add(&mut sum.refused, tally.refused);
        add(&mut sum.unanswered, tally.unanswered);
        add(&mut sum.intrusions, tally.intrusions);
        add(&mut sum.recorded, tally.recorded);
        add(&mut sum.heard, tally.heard);
        add(&mut sum.commits, tally.commits);
        add(&mut sum.evaluated_spikes, tally.evaluated_spikes);
    }
    eprintln!("{count} schedules: {sum:?}");
    assert!(sum.steps >= count && sum.rollbacks >= count / 4 && sum.changes_of_hands >= count, "{sum:?}");
    assert!(sum.kills >= count / 2 && sum.lost_answers >= count / 2 && sum.evaluated_spikes >= count / 10);
}
