//! The engine's handle, and what can be asked of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};

use arc_swap::ArcSwapOption;
use rollgate_core::decide::Outbox;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::evaluate::{Context, Evaluation, Served};
use rollgate_core::id::{Key, MetricId};
use rollgate_core::metrics::{EventSource, Totals, Windows};
use rollgate_core::report::{Form, Scorecard};
use rollgate_core::snapshot::Ruleset;
use rollgate_core::time::{Now, Timestamp};
use rollgate_core::units::Share;

use super::actions::Actor;
use super::builder::EngineBuilder;
use super::control::{Beginning, Control, Ground, Held};
use super::drops::{self, Thrift};
use super::member::{Member, Role};
use super::metric::{Alerts, Metric, names};
use super::notices::{self, Whose};
use super::scorecard;
use super::status::RolloutStatus;
use super::ticker::Ticker;
use crate::clock::Clock;
use crate::flag::{Exposures, Flag, Flags, View};
use crate::notify::Sinks;
use crate::process::PerProcess;
use crate::recorder::{Depth, Recorder};
use crate::store::{Store, Stored, node_name};

pub(super) type Listener = Box<dyn Fn(&str) + Send + Sync>;

/// Flags, metrics and one rollout, in this process. Clones are cheap and share everything.
///
/// # Examples
/// ```
/// use rollgate::Engine;
/// use rollgate::read::Format;
///
/// let plan = "version: 1\nname: quick\nflags: { NEW_SEARCH: { share: 100% } }\n";
/// let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
/// assert!(engine.is_on("NEW_SEARCH", "user-42"));
/// # Ok::<(), rollgate::core::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) flags: Flags,
    pub(super) recorder: Recorder,
    control: PerProcess<Control>,
    /// Sources that handles were opened of: they are live in the child of a fork too.
    live: Box<[AtomicBool]>,
    store: Arc<dyn Store>,
    sinks: Arc<Sinks>,
    held: Arc<ArcSwapOption<Held>>,
    /// Observed time that other nodes are ahead of this one's clocks.
    ahead: Arc<AtomicU64>,
    role: Role,
    clock: Arc<dyn Clock>,
    /// Observed and monotonic time at which the process began to observe.
    origin: (Timestamp, rollgate_core::time::Span),
    listeners: Vec<Listener>,
    pub(super) actor: Option<Actor>,
    /// Journal lines that listeners have seen. Its own lock keeps them in order without holding the control.
    told: PerProcess<u64>,
    /// Lines of the journal with which a child of a fork began: its listeners hear those after them.
    reborn_at: AtomicU64,
}

impl Shared {
    pub(super) fn now(&self) -> Now {
        let elapsed = self.clock.monotonic() - self.origin.1;
        let ahead = rollgate_core::time::Span(self.ahead.load(Ordering::Acquire));
        Now { wall: self.clock.wall(), observed: self.origin.0 + elapsed + ahead }
    }

    /// Takes the lock, and then the time: so that time never runs backwards from one holder to the next.
    pub(super) fn lock(&self) -> (MutexGuard<'_, Control>, Now) {
        let mut control = self.control();
        control.began = self.clock.monotonic();
        (control, self.now())
    }

    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock_or(|| self.reborn())
    }

    /// The control of a process that was forked off, from what its parent had decided last. It takes no lock that a thread
    /// of the parent may have had.
    fn reborn(&self) -> Control {
        let now = self.now();
        // What was recorded so far is the parent's.
        let mut parents = Windows::new(self.ruleset.clone(), now.observed);
        self.recorder.collect(&mut parents, now.observed, Depth::Subjects);
        self.flags.restart_exposures();
        let held = self.held.load_full().map(|held| {
            let mut state = held.state.clone();
            // What the parent owes to people, the parent sends.
            state.outbox = Outbox::default();
            Held { revision: held.revision, state, journal: held.journal.clone() }
        });
        let stored = held.as_ref().map(|held| Stored {
            revision: held.revision,
            state: held.state.clone(),
            watched: None,
            journal: held.journal.after(0).map(str::to_owned).collect(),
        });
        let ground = Ground {
            ruleset: self.ruleset.clone(),
            flags: self.flags.clone(),
            recorder: self.recorder.clone(),
            sinks: self.sinks.clone(),
            held: self.held.clone(),
            ahead: self.ahead.clone(),
            clock: self.clock.clone(),
            role: self.role,
        };
        let store = self.store.forked(stored);
        // A store that children share with their parent is joined; where it does not answer, the child goes on alone.
        let joined = store.shared().map(|_| Control::open(&ground, store.clone(), now));
        let mut control = match joined {
            Some(Ok(control)) => control,
            Some(Err(_)) | None => {
                let member = store
                    .shared()
                    .map(|_| Member::new(node_name(), Role::Follower, &self.ruleset, now.observed));
                Control::begin(&ground, store, Beginning { held, member, found: None }, now)
            }
        };
        self.reborn_at.store(control.journal.len() as u64, Ordering::Release);
        for (place, _) in self.live.iter().enumerate().filter(|(_, live)| live.load(Ordering::Acquire)) {
            control.windows.open_source(source_at(place), now.observed);
        }
        control
    }

    /// Makes a source live: none of its events is evidence from here on.
    pub(super) fn open_source(&self, source: EventSource) {
        if let Some(live) = self.live.get(place_of(source)) {
            live.store(true, Ordering::Release);
        }
        let (mut control, now) = self.lock();
        control.windows.open_source(source, now.observed);
    }

    /// Takes the lock with everything up to date: what was recorded is in the windows, what was due is evaluated.
    pub(super) fn with_control<T>(&self, act: impl FnOnce(&mut Control, Now) -> T) -> T {
        let (mut control, now) = self.lock();
        if now.observed >= control.due {
            control.evaluate(now);
        }
        control.collect(Depth::Subjects, now);
        act(&mut control, now)
    }

    pub(super) fn tell(&self) {
        if self.listeners.is_empty() {
            return;
        }
        let in_child = || {
            drop(self.control());
            self.reborn_at.load(Ordering::Acquire)
        };
        let Some(mut told) = self.told.try_lock_or(in_child) else { return };
        let lines = {
            let mut control = self.control();
            if let Some(rewound) = control.rewound.take() {
                *told = rewound.min(*told);
            }
            control.journal.after(*told).map(str::to_owned).collect::<Vec<String>>()
        };
        for line in lines {
            *told += 1;
            self.listeners.iter().for_each(|listener| listener(&line));
        }
    }
}

impl Drop for Shared {
    /// Tells what is left to tell, and gives the lease back.
    fn drop(&mut self) {
        let now = self.now();
        if let Some(mut control) = self.control.lock_known() {
            control.leave(now);
        }
    }
}

impl Engine {
    /// Starts to build an engine.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::new()
    }

    pub(super) fn open(
        ruleset: Arc<Ruleset>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        listeners: Vec<Listener>,
        actor: Option<Actor>,
        sinks: Sinks,
        role: Role,
    ) -> Result<Self, Error> {
        let origin = (clock.wall(), clock.monotonic());
        let flags = Flags::new(ruleset.clone());
        let recorder = Recorder::new(&ruleset);
        let now = Now::same(origin.0);
        let (sinks, held, ahead) = (Arc::new(sinks), Arc::default(), Arc::default());
        let ground = Ground {
            ruleset: ruleset.clone(),
            flags: flags.clone(),
            recorder: recorder.clone(),
            sinks: Arc::clone(&sinks),
            held: Arc::clone(&held),
            ahead: Arc::clone(&ahead),
            clock: Arc::clone(&clock),
            role,
        };
        let control = Control::open(&ground, store.clone(), now)?;
        let live = (0..=ruleset.metrics.len()).map(|_| AtomicBool::new(false)).collect();
        let origin = (control.opened, origin.1);
        let told = PerProcess::new(control.journal.len() as u64);
        let control = PerProcess::new(control);
        let shared = Shared {
            ruleset,
            flags,
            recorder,
            control,
            live,
            store,
            sinks,
            held,
            ahead,
            role,
            clock,
            origin,
            listeners,
            actor,
            told,
            reborn_at: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    // ---- flags

    /// A flag's handle: the fast path. An unknown flag gives a handle that is always off.
    pub fn flag(&self, key: &str) -> Flag {
        self.shared.flags.flag(key)
    }

    /// Whether the flag is on for the subject; off where the flag is unknown, disabled or malformed.
    ///
    /// # Panics
    /// Never. It takes no lock and allocates nothing.
    pub fn is_on(&self, flag: &str, key: &str) -> bool {
        self.shared.flags.is_on(flag, key)
    }

    /// Whether a flag is on for a subject with its attributes; see [`Flags::is_on_for`](crate::flag::Flags::is_on_for).
    pub fn is_on_for(&self, flag: &str, context: &Context<'_>) -> bool {
        self.shared.flags.is_on_for(flag, context)
    }

    /// As [`is_on`](Self::is_on), and counts the answer as an exposure.
    pub fn is_on_counted(&self, flag: &str, key: &str) -> bool {
        self.shared.flags.is_on_counted(flag, key)
    }

    /// What the counting calls have counted in this process, for each flag, in the plan's order.
    pub fn exposures(&self) -> Vec<(Key, Exposures)> {
        self.shared.flags.exposures()
    }

    /// Which flags are on for a subject, as a bitset in the plan's order; see [`Flags::all_on`].
    pub fn all_on(&self, key: &str, bits: &mut [u64]) {
        self.shared.flags.all_on(key, bits);
    }

    /// As [`all_on`](Self::all_on), for a key of raw bytes.
    pub fn all_on_bytes(&self, key: &[u8], bits: &mut [u64]) {
        self.shared.flags.all_on_bytes(key, bits);
    }

    /// The answer for one flag, and why.
    pub fn evaluate(&self, flag: &str, context: &Context<'_>) -> Evaluation {
        self.shared.flags.evaluate(flag, context)
    }

    /// The answer for one flag with what it serves: a variant with its value, or on or off.
    pub fn serve(&self, flag: &str, context: &Context<'_>) -> Served<'_> {
        self.shared.flags.serve(flag, context)
    }

    /// Pins one snapshot: all flags read through it are of one version.
    pub fn snapshot(&self) -> View {
        self.shared.flags.view()
    }

    /// The flags alone: for a door that lends [mirrors](crate::mirror).
    pub fn flags(&self) -> &Flags {
        &self.shared.flags
    }

    /// The shares that apply now, in the plan's order.
    pub fn shares(&self) -> Vec<(Key, Share)> {
        let control = self.shared.control();
        let keys = self.shared.ruleset.flags.iter().map(|flag| flag.key.clone());
        let shares = self.shared.ruleset.flags.iter().zip(&control.state.shares);
        keys.zip(shares.map(|(flag, share)| flag.shown(*share))).collect()
    }

    // ---- metrics

    /// A metric's handle. Opening the handle of an event metric makes it live: zero events are evidence from here on.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownName`] where the plan has no such metric.
    pub fn metric(&self, key: &str) -> Result<Metric, Error> {
        let Some(id) = self.shared.ruleset.metric_of(key) else {
            return Err(Error::new(
                ErrorKind::UnknownName,
                format_args!("the plan has no metric `{key}`; it has {}", names(&self.shared.ruleset)),
            ));
        };
        Ok(Metric::open(self.shared.clone(), id))
    }

    /// The alerts' handle. Opening it makes them live: no alerts are evidence from here on.
    pub fn alerts(&self) -> Alerts {
        self.shared.open_source(EventSource::Alerts);
        Alerts::open(self.shared.clone())
    }

    // ---- processes

    /// In the child of a [fork](crate::process): makes the child's own engine now. Else the next call that takes the lock
    /// does that, and what was recorded by then counts as the parent's.
    pub fn after_fork(&self) {
        drop(self.shared.control());
    }

    // ---- time

    /// Does what is due: at most one evaluation. Calls the listeners, then the host's action where one waits, and then the
    /// sinks of notices.
    pub fn tick(&self) {
        self.evaluate_due();
        self.act_on_due();
        self.deliver(Whose::All);
    }

    /// The first part of a tick: what must never wait for anybody.
    pub(super) fn evaluate_due(&self) {
        {
            let (mut control, now) = self.shared.lock();
            if now.observed >= control.due {
                control.evaluate(now);
            } else {
                control.sync(now);
            }
            // Whoever runs actions, the host or somebody who reads the journal, is asked by ticks.
            control.ask(now);
        }
        self.shared.tell();
    }

    /// The last part of a tick: sinks, which may take their time.
    pub(super) fn deliver(&self, whose: Whose) {
        if notices::deliver(&self.shared, whose) > 0 {
            self.shared.tell();
        }
    }

    /// Whether anything runs actions.
    pub(super) fn has_actor(&self) -> bool {
        self.shared.actor.is_some()
    }

    /// How many sinks send notices.
    pub(super) fn sinks(&self) -> usize {
        self.shared.control().sinks.len()
    }

    /// Observed time at which something may next change by itself.
    pub fn next_wakeup(&self) -> Timestamp {
        self.shared.control().due
    }

    /// How long until [`next_wakeup`](Self::next_wakeup); zero where it is due.
    pub fn until_wakeup(&self) -> rollgate_core::time::Span {
        self.next_wakeup().since(self.shared.now().observed)
    }

    /// Starts a thread that ticks until the returned handle is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the system gives no thread.
    pub fn spawn_ticker(&self) -> Result<Ticker, Error> {
        Ticker::spawn(self.clone())
    }

    /// Says that the process was away since `since` (observed): for replays; a real restart opens an engine anew.
    pub(crate) fn restart(&self, since: Timestamp) {
        let (mut control, now) = self.shared.lock();
        control.collect(Depth::Subjects, now);
        control.restarted(since, now);
    }

    // ---- reading

    /// Where the rollout stands.
    pub fn status(&self) -> RolloutStatus {
        self.shared.with_control(|control, now| RolloutStatus::of(control, now))
    }

    /// The journal's lines after this sequence number, oldest first.
    pub fn journal_after(&self, seq: u64) -> Vec<String> {
        // Taken under the lock, and copied outside it.
        self.journal().after(seq).map(str::to_owned).collect()
    }

    /// The journal as it is now. It shares its lines with the engine's, and can be read page by page without its lock.
    pub fn journal(&self) -> crate::journal::Journal {
        self.shared.control().journal.clone()
    }

    /// The scorecard of the current phase, judged now.
    pub fn scorecard(&self, form: Form) -> Scorecard {
        let later = self.shared.with_control(|control, now| scorecard::whole(control, form, now));
        later()
    }

    /// What a metric has recorded so far; `None` where the plan has no such metric.
    pub fn totals(&self, metric: &str) -> Option<Totals> {
        let id = self.shared.ruleset.metric_of(metric)?;
        let (mut control, now) = self.shared.lock();
        control.collect(Depth::Totals, now);
        Some(control.windows.totals(id))
    }

    /// The compiled plan.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.shared.ruleset
    }

    /// Bytes that the windows hold.
    pub fn window_bytes(&self) -> usize {
        self.shared.control().windows.memory_bytes()
    }

    /// A handle that does not make its source live: a trace says so itself.
    pub(crate) fn metric_quietly(&self, id: rollgate_core::id::MetricId) -> Option<Metric> {
        self.shared.ruleset.metrics.get(id.index()).map(|_| Metric::open_quietly(self.shared.clone(), id))
    }

    pub(crate) fn alerts_quietly(&self) -> Alerts {
        Alerts::open(self.shared.clone())
    }

    pub(crate) fn open_source(&self, source: EventSource) {
        self.shared.open_source(source);
    }

    /// Counts samples that came for a metric of this name, which the plan does not have.
    pub(crate) fn drop_unknown(&self, name: &str, count: u64) {
        self.shared.control().windows.count_unknown(name, count);
    }

    /// Journals all drops that have not been journalled yet: nothing comes after.
    pub(crate) fn note_drops(&self) {
        let (mut control, now) = self.shared.lock();
        control.collect(Depth::Totals, now);
        drops::note(&mut control, Thrift::Last, now);
        // A store that is away gets them with the next records.
        let _ = control.flush(now);
    }
}

/// The places of sources among those that are live: the alerts' first, then the metrics'.
fn place_of(source: EventSource) -> usize {
    match source {
        EventSource::Metric(id) => id.index() + 1,
        EventSource::Alerts => 0,
    }
}

fn source_at(place: usize) -> EventSource {
    place.checked_sub(1).map_or(EventSource::Alerts, |id| EventSource::Metric(MetricId(id as u16)))
}
