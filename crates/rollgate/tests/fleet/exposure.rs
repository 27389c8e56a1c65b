//! At every call of the store, before it and after it, nobody is served more than what is stored.
//!
//! A process may end at any of these points. So whatever it was in the middle of, a crash leaves no more exposure than was
//! written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use rollgate::clock::ManualClock;
use rollgate::core::error::Error;
use rollgate::core::time::Span;
use rollgate::core::units::Share;
use rollgate::flag::Flag;
use rollgate::read::Format;
use rollgate::store::{
    Checkpoint, Claim, Commit, Head, Lease, Report, Reported, Restored, SharedMemoryStore, SharedStore,
    Store, Stored,
};
use rollgate::{Engine, core::decide::Watched};

use crate::stage::START;

const PLAN: &str = "
version: 1
name: exposure
evaluate_every: 1s
flags: { A: {}, B: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down, curable: true } }
roles: { ann: {} }
phases:
  - id: some
    duration: 10m
    steps: [ { set: { A: 20% }, hold: 10s }, { set: { A: 50%, B: 10% }, hold: 10s }, { set: { B: 60% } } ]
    gates: { time: { phase_for: 10m } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { set: { A: 5% } } } }
    contingency: { to: zero }
  - id: all
    duration: 10m
    steps: [ { set: { A: 100%, B: 100% } } ]
    gates: { time: { phase_for: 10m } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: some } } }
    contingency: { to: zero }
";

/// How many of 500 subjects a flag is on for at a share.
fn at_share(flag: &str, share: Share) -> usize {
    static KNOWN: Mutex<BTreeMap<(String, u32), usize>> = Mutex::new(BTreeMap::new());
    *KNOWN.lock().unwrap().entry((flag.to_owned(), share.ppm())).or_insert_with(|| {
        let plan =
            format!("version: 1\nname: flags\nflags: {{ {flag}: {{ share: {:.6} }} }}\n", share.fraction());
        let engine = Engine::builder().plan_text(&plan, Format::Yaml).unwrap().build().unwrap();
        served(&engine.flag(flag))
    })
}

fn served(flag: &Flag) -> usize {
    (0..500).filter(|key| flag.is_on(&format!("user-{key}"))).count()
}

#[derive(Default)]
struct Looks {
    calls: usize,
    /// Looks at which less was served than stored: a lowering was under way.
    lower: usize,
}

/// Looks at what is served around every call that writes.
struct Watching {
    store: SharedMemoryStore,
    flags: Arc<OnceLock<[Flag; 2]>>,
    looks: Arc<Mutex<Looks>>,
}

impl Watching {
    fn look(&self) {
        let Some(flags) = self.flags.get() else { return };
        let Some(stored) = self.store.node().load(0).unwrap() else { return };
        let mut looks = self.looks.lock().unwrap();
        looks.calls += 1;
        for (index, (flag, name)) in flags.iter().zip(["A", "B"]).enumerate() {
            let share = if stored.state.is_killed { Share::ZERO } else { stored.state.shares[index] };
            let (served, allowed) = (served(flag), at_share(name, share));
            assert!(served <= allowed, "{name}: {served} are served, {allowed} are stored");
            looks.lower += usize::from(served < allowed);
        }
    }

    fn around<T>(&self, call: impl FnOnce() -> T) -> T {
        self.look();
        let answer = call();
        self.look();
        answer
    }
}

impl Store for Watching {
    fn load(&self, after: u64) -> Result<Option<Stored>, Error> {
        self.store.load(after)
    }
    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error> {
        self.around(|| self.store.commit(commit))
    }
    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }
}

impl SharedStore for Watching {
    fn head(&self) -> Result<Head, Error> {
        self.store.head()
    }
    fn take(&self, seen: Option<&Lease>, claim: &Claim<'_>) -> Result<Option<u64>, Error> {
        self.around(|| self.store.take(seen, claim))
    }
    fn beat(&self, epoch: u64, claim: &Claim<'_>, watched: &Watched) -> Result<(), Error> {
        self.store.beat(epoch, claim, watched)
    }
    fn leave(&self, epoch: u64, holder: &str) -> Result<(), Error> {
        self.store.leave(epoch, holder)
    }
    fn report(&self, report: &Report<'_>) -> Result<u64, Error> {
        self.around(|| self.store.report(report))
    }
    fn reports(&self, after: u64) -> Result<Vec<Reported>, Error> {
        self.store.reports(after)
    }
    fn save(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
        self.around(|| self.store.save(checkpoint))
    }
    fn restore(&self) -> Result<Option<Restored>, Error> {
        self.store.restore()
    }
}

#[test]
fn a_crash_at_any_call_leaves_no_more_exposure_than_was_written() {
    let (store, clock) = (SharedMemoryStore::new(), ManualClock::at(START));
    let (flags, looks) = (Arc::new(OnceLock::new()), Arc::new(Mutex::new(Looks::default())));
    let open = |flags: &Arc<OnceLock<[Flag; 2]>>| {
        let watching = Watching { store: store.node(), flags: flags.clone(), looks: looks.clone() };
        let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
        builder.store(watching).clock(clock.clone()).build().unwrap()
    };
    let engine = open(&flags);
    assert!(flags.set([engine.flag("A"), engine.flag("B")]).is_ok());
    let pass = |engine: &Engine, seconds: u64| {
        for _ in 0..seconds {
            clock.advance(Span::seconds(1));
            engine.tick();
        }
    };
    let share = |ppm: u32| Share::from_ppm(ppm).unwrap();
    let (heap, low) = (engine.metric("heap").unwrap(), 500.0);
    engine.start("ann").unwrap();
    pass(&engine, 25);
    assert_eq!(
        (served(&engine.flag("A")), served(&engine.flag("B"))),
        (at_share("A", share(500_000)), at_share("B", share(600_000)))
    );
    // One up and one down in one command, then back to the plan.
    engine.set_shares("ann", &[("A", share(600_000)), ("B", share(50_000))], "both ways").unwrap();
    engine.release("ann", &[]).unwrap();
    pass(&engine, 3);
    heap.record(2_000.0);
    pass(&engine, 3);
    assert_eq!(engine.status().status.name(), "rolled_back");
    heap.record(low);
    engine.retry("ann").unwrap();
    pass(&engine, 30);
    engine.stop("ann", "enough").unwrap();
    pass(&engine, 3);
    engine.retry("ann").unwrap();
    pass(&engine, 700);
    heap.record(2_000.0);
    pass(&engine, 5);
    heap.record(low);
    // Another process goes on, and is looked at in the same way.
    drop(heap);
    drop(engine);
    let again = Arc::new(OnceLock::new());
    let engine = open(&again);
    assert!(again.set([engine.flag("A"), engine.flag("B")]).is_ok());
    engine.retry("ann").unwrap();
    pass(&engine, 700);
    let looks = looks.lock().unwrap();
    assert!(looks.calls > 3_000 && looks.lower >= 6, "{} calls, {} lower", looks.calls, looks.lower);
}
