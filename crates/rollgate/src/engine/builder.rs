//! Opening an engine: a plan, a store, a clock.

use std::path::Path;
use std::sync::Arc;

use rollgate_core::compile::{Compiled, Problems, compile_config};
use rollgate_core::config::Config;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::snapshot::Ruleset;
use rollgate_core::units::Share;

use super::actions::{Actor, DueAction};
use super::handle::{Engine, Listener, Outside};
use super::member::Role;
use super::sources::Server;
use crate::clock::{Clock, SystemClock};
use crate::notify::{Delivery, SendError, Sink, Sinks};
use crate::read;
use crate::store::{MemoryStore, PlanText, Store};

/// Builds an [`Engine`]. A plan is required; store and clock default to memory and the system's.
#[must_use]
pub struct EngineBuilder {
    ruleset: Option<Arc<Ruleset>>,
    /// What it was compiled of, where it was a text.
    text: Option<PlanText>,
    store: Box<dyn Store>,
    clock: Arc<dyn Clock>,
    listeners: Vec<Listener>,
    actor: Option<Actor>,
    sinks: Sinks,
    seeds: Option<Seeds>,
    role: Role,
    prometheus: Option<String>,
    is_offline: bool,
}

/// What a variable of this name says, where it is set.
type Seeds = Box<dyn Fn(&str) -> Option<String>>;

impl EngineBuilder {
    pub(super) fn new() -> Self {
        Self {
            ruleset: None,
            text: None,
            store: Box::new(MemoryStore::new()),
            clock: Arc::new(SystemClock::new()),
            listeners: Vec::new(),
            actor: None,
            sinks: Sinks::default(),
            seeds: None,
            role: Role::Follower,
            prometheus: None,
            is_offline: false,
        }
    }

    /// Reads the plan from a YAML, TOML or JSON file, by its extension.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file cannot be read, [`ErrorKind::InvalidConfig`] with all of its problems.
    pub fn plan_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (compiled, text) = read::plan_file_with_text(path).map_err(|error| error.into_error())?;
        let text = read::Format::of_path(path).map(|format| PlanText { format, text });
        Ok(Self { text, ..self.ruleset(compiled.ruleset) })
    }

    /// Reads the plan from text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] with all of its problems.
    pub fn plan_text(self, text: &str, format: read::Format) -> Result<Self, Error> {
        let builder = self.compiled(read::ruleset(text, format))?;
        Ok(Self { text: Some(PlanText { format, text: text.to_owned() }), ..builder })
    }

    /// Takes a plan that the program has filled in.
    ///
    /// ```
    /// use rollgate::core::config::{Config, FlagConfig, Named};
    ///
    /// let flag = FlagConfig { share: Some("100%".into()), ..FlagConfig::default() };
    /// let flags = Named::default().with("NEW_SEARCH", flag);
    /// let config = Config { version: 1, name: "quick".into(), flags, ..Config::default() };
    /// let engine = rollgate::Engine::builder().config(&config)?.build()?;
    /// assert!(engine.is_on("NEW_SEARCH", "user-42"));
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] with all of its problems.
    pub fn config(self, config: &Config) -> Result<Self, Error> {
        self.compiled(compile_config(config))
    }

    /// Takes a plan that comes as an object: from JSON, or from a dynamic language.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] with all of its problems.
    pub fn plan_object(self, plan: &serde_json::Value) -> Result<Self, Error> {
        let builder = self.compiled(read::object(plan))?;
        let text = PlanText { format: read::Format::Json, text: plan.to_string() };
        Ok(Self { text: Some(text), ..builder })
    }

    fn compiled(self, compiled: Result<Compiled, Problems>) -> Result<Self, Error> {
        let compiled = compiled.map_err(|problems| Error::new(ErrorKind::InvalidConfig, problems))?;
        Ok(self.ruleset(compiled.ruleset))
    }

    /// Takes a compiled plan.
    pub fn ruleset(mut self, ruleset: impl Into<Arc<Ruleset>>) -> Self {
        self.ruleset = Some(ruleset.into());
        self.text = None;
        self
    }

    /// Keeps state and journal here; default: in memory.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Box::new(store);
        self
    }

    /// Keeps state, journal and windows in this SQLite file, which all processes of the host may share; it is made where
    /// there is none.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`](crate::store::SqliteStore::open).
    #[cfg(feature = "sqlite")]
    pub fn store_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(self.store(crate::store::SqliteStore::open(path)?))
    }

    /// Only looks at the store that others share, and carries out commands of people: it takes no lease, records nothing
    /// and judges no trigger by itself. For tools; on a store of its own it changes nothing.
    pub fn visiting(mut self) -> Self {
        self.role = Role::Visitor;
        self
    }

    /// Asks the Prometheus server at this address for metrics with a `source`, whatever address the plan has. User and
    /// password stand in the plan, by name.
    #[cfg(feature = "prometheus")]
    pub fn prometheus(mut self, url: impl Into<String>) -> Self {
        self.prometheus = Some(url.into());
        self
    }

    /// Asks no server for metrics, and counts as all the nodes that the plan asks for (`fleet.quorum`): for replays,
    /// rehearsals and tests of a plan.
    pub fn offline(mut self) -> Self {
        self.is_offline = true;
        self
    }

    pub(crate) fn boxed_store(mut self, store: Box<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Reads time here; default: the system's clocks.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Calls `listener` with every new journal line, in order, from [`Engine::tick`] and from commands, never from a
    /// recording call and never under the engine's lock.
    pub fn on_record(mut self, listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Runs the actions that stand before steps: gives what an action wrote, or why it failed.
    ///
    /// It is called from [`Engine::tick`] only, never under the engine's lock and never in a recording call, one action at
    /// a time. While it runs, that tick does not return: triggers that fire at once stay live in every recording call,
    /// those that are judged at evaluations wait for the next tick, which another thread may give. What takes long is
    /// better run elsewhere and reported by [`Engine::report_action`]. A panic in it is a failure of the action.
    ///
    /// An action is run at least once: a process that ends in the middle of one runs it again.
    ///
    /// ```
    /// use rollgate::{Engine, clock::ManualClock, core::time::{Span, Timestamp}, read::Format};
    ///
    /// let plan = "
    /// version: 1
    /// name: careful
    /// flags: { NEW: {} }
    /// metrics: { heap: { kind: gauge, unit: MB, good: down } }
    /// phases:
    ///   - id: all
    ///     duration: 1h
    ///     steps: [ { set: { NEW: 100% }, actions: { backup: { run: make backup, expect: ok } } } ]
    ///     gates: { time: { phase_for: 1h } }
    ///     triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    /// ";
    /// let clock = ManualClock::at(Timestamp(0));
    /// let engine = Engine::builder()
    ///     .plan_text(plan, Format::Yaml)?
    ///     .clock(clock.clone())
    ///     .on_action(|action| match action.run.as_deref() {
    ///         Some("make backup") => Ok("ok".to_owned()),
    ///         _ => Err("nobody knows how".to_owned()),
    ///     })
    ///     .build()?;
    /// engine.start("on_call")?;
    /// assert!(!engine.is_on("NEW", "user-1"));
    /// engine.tick();
    /// clock.advance(Span::seconds(10));
    /// engine.tick();
    /// assert!(engine.is_on("NEW", "user-1"));
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    pub fn on_action(
        mut self,
        actor: impl Fn(&DueAction) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.actor = Some(Box::new(actor));
        self
    }

    /// Sends notices to every channel that has no sink of its own through this closure; see [`notify`](crate::notify).
    pub fn on_notice(
        self,
        send: impl Fn(&Delivery) -> Result<(), SendError> + Send + Sync + 'static,
    ) -> Self {
        self.sink(send)
    }

    /// Sends notices to one channel, or to all of one kind (`slack` is the kind of `slack:#oncall`), through this closure.
    pub fn on_notice_to(
        self,
        channel: &str,
        send: impl Fn(&Delivery) -> Result<(), SendError> + Send + Sync + 'static,
    ) -> Self {
        self.sink_to(channel, send)
    }

    /// As [`on_notice`](Self::on_notice), for a sink that is a type of its own.
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks.add(None, sink);
        self
    }

    /// As [`on_notice_to`](Self::on_notice_to), for a sink that is a type of its own.
    pub fn sink_to(mut self, channel: &str, sink: impl Sink + 'static) -> Self {
        self.sinks.add(Some(channel.to_owned()), sink);
        self
    }

    /// Starts each flag at what the environment variable of its name says: `true`, `false`, or a share such as `0.1` or
    /// `10%`. A flag whose variable is not set starts as the file says.
    ///
    /// Where the plan has phases, they alone raise shares: only `false` is accepted there.
    pub fn seed_from_env(self) -> Self {
        self.seed_from(|name| std::env::var(name).ok())
    }

    /// As [`seed_from_env`](Self::seed_from_env), from anything that knows variables by name.
    pub fn seed_from(mut self, variable: impl Fn(&str) -> Option<String> + 'static) -> Self {
        self.seeds = Some(Box::new(variable));
        self
    }

    /// Opens the engine.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] without a plan, or with seeds that are no shares or that meet a plan with phases; [`ErrorKind::StoreAway`] where the store cannot be read;
    /// [`ErrorKind::UnknownName`] with a sink for a channel that the plan does not have;
    /// [`ErrorKind::InvalidConfig`] where it holds another plan's rollout;
    /// [`ErrorKind::BrokenJournal`] where its journal does not fit its own hashes.
    pub fn build(self) -> Result<Engine, Error> {
        let Some(mut ruleset) = self.ruleset else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "an engine needs a plan: give it plan_file(path), plan_text(text, format) or config(&config)",
            ));
        };
        if let Some(seeds) = self.seeds {
            seed(Arc::make_mut(&mut ruleset), &seeds)?;
        }
        self.sinks.check(&ruleset)?;
        if self.is_offline {
            Arc::make_mut(&mut ruleset).quorum = 1;
        }
        let server = match self.is_offline {
            true => Err("this engine is offline"),
            false => server(&ruleset, self.prometheus)?,
        };
        let (store, role): (Arc<dyn Store>, Role) = (self.store.into(), self.role);
        let outside = Outside { listeners: self.listeners, actor: self.actor, sinks: self.sinks, server };
        let engine = Engine::open(ruleset, store.clone(), self.clock, outside, role)?;
        if let Some(text) = &self.text {
            remember(&engine, &*store, text);
        }
        Ok(engine)
    }
}

/// Keeps the plan's text beside the rollout that it is of, for tools; only who leads does.
fn remember(engine: &Engine, store: &dyn Store, text: &PlanText) {
    let control = engine.shared.control();
    if let Some(member) = control.member.as_ref().filter(|member| member.is_leader()) {
        // Nothing depends on it: a store that is away gets it from the next engine that begins.
        let _ = store.keep_plan(member.epoch, text);
    }
}

/// What metrics with a source come from, or why they come from nowhere.
#[cfg(feature = "prometheus")]
fn server(ruleset: &Ruleset, url: Option<String>) -> Result<Result<Server, &'static str>, Error> {
    let plain = rollgate_core::snapshot::Prometheus::plain();
    let prometheus = ruleset.prometheus.as_ref().unwrap_or(&plain);
    let server = match url.as_ref().or(prometheus.url.as_ref()) {
        Some(url) => super::prometheus::server(url, prometheus)?,
        None => {
            return Ok(Err(
                "nobody said where the server is: write `prometheus.url`, or let the program say it",
            ));
        }
    };
    let is_asked = ruleset.metrics.iter().any(|metric| metric.source.is_some());
    Ok(if is_asked { Ok(server) } else { Err("no metric has a source") })
}

#[cfg(not(feature = "prometheus"))]
fn server(_: &Ruleset, _: Option<String>) -> Result<Result<Server, &'static str>, Error> {
    Ok(Err("this build is without the feature `prometheus`"))
}

/// Starts flags at what variables of their names say; all of them, or none.
fn seed(ruleset: &mut Ruleset, variable: &Seeds) -> Result<(), Error> {
    let mut wrong: Vec<String> = Vec::new();
    let mut shares: Vec<Share> = Vec::with_capacity(ruleset.flags.len());
    for flag in &ruleset.flags {
        let Some(text) = variable(flag.key.as_str()) else {
            shares.push(flag.initial);
            continue;
        };
        let share = match text.trim() {
            "true" => Ok(Share::FULL),
            "false" => Ok(Share::ZERO),
            other => Share::parse(other),
        };
        match share {
            Ok(share) if ruleset.plan.is_some() && share > flag.initial => wrong.push(format!(
                "{}={}: this plan has phases, and they alone raise shares; unset it, or set it to false",
                flag.key,
                text.trim()
            )),
            Ok(share) => shares.push(share),
            Err(error) => wrong.push(format!("{}: {error}; true and false are fine too", flag.key)),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, wrong.join("\n")));
    }
    for (flag, share) in ruleset.flags.iter_mut().zip(shares) {
        flag.initial = share;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &str =
        "version: 1\nname: seeded\nflags: { USE_A: { share: 5% }, USE_B: {}, USE_C: { share: 7% } }\n";

    fn build(variables: &'static [(&str, &str)]) -> Result<Engine, Error> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
        Engine::builder().plan_text(FLAGS, read::Format::Yaml)?.seed_from(variable).build()
    }

    #[test]
    fn r019_flags_start_as_variables_of_their_names_say() {
        let engine = build(&[("USE_A", "false"), ("USE_B", "0.1")]).unwrap();
        let shares: Vec<u32> = engine.shares().iter().map(|(_, share)| share.ppm()).collect();
        assert_eq!(shares, [0, 100_000, 70_000]);
        assert!(build(&[("USE_B", "true")]).unwrap().is_on("USE_B", "anybody"));
        assert!(
            !build(&[("USE_A", "false"), ("USE_B", "false"), ("USE_C", "false")])
                .unwrap()
                .is_on("USE_C", "x")
        );
    }

    #[test]
    fn r019_every_wrong_variable_is_named() {
        let error = build(&[("USE_A", "yes"), ("USE_B", "1"), ("USE_C", "0.5")]).err().unwrap().to_string();
        assert!(error.contains("USE_A") && error.contains("USE_B") && !error.contains("USE_C"), "{error}");
        assert!(error.contains("`100%` or `1%`"), "{error}");
    }

    #[test]
    fn r019_a_plan_with_phases_sets_its_shares_alone() {
        let plan = include_str!("../../../../examples/plans/memory-system.yaml");
        let builder = Engine::builder().plan_text(plan, read::Format::Yaml).unwrap();
        let error = builder.seed_from(|_| Some("true".into())).build().err().unwrap();
        assert!(error.to_string().contains("USE_ENHANCED_INJECTION"), "{error}");
        let builder = Engine::builder().plan_text(plan, read::Format::Yaml).unwrap();
        let engine = builder.seed_from(|_| Some("false".into())).build().unwrap();
        assert!(engine.shares().iter().all(|(_, share)| *share == Share::ZERO));
    }
}
