//! Opening an engine: a plan, a store, a clock.

use std::path::Path;
use std::sync::Arc;

use rollgate_core::compile::{Compiled, Problems, compile_config};
use rollgate_core::config::Config;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::snapshot::Ruleset;

use super::handle::{Engine, Listener};
use crate::clock::{Clock, SystemClock};
use crate::read;
use crate::store::{MemoryStore, Store};

/// Builds an [`Engine`]. A plan is required; store and clock default to memory and the system's.
#[must_use]
pub struct EngineBuilder {
    ruleset: Option<Arc<Ruleset>>,
    store: Box<dyn Store>,
    clock: Arc<dyn Clock>,
    listeners: Vec<Listener>,
}

impl EngineBuilder {
    pub(super) fn new() -> Self {
        Self {
            ruleset: None,
            store: Box::new(MemoryStore::new()),
            clock: Arc::new(SystemClock::new()),
            listeners: Vec::new(),
        }
    }

    /// Reads the plan from a YAML, TOML or JSON file, by its extension.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file cannot be read, [`ErrorKind::InvalidConfig`] with all of its problems.
    pub fn plan_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let compiled = read::plan_file(path.as_ref()).map_err(|error| error.into_error())?;
        Ok(self.ruleset(compiled.ruleset))
    }

    /// Reads the plan from text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] with all of its problems.
    pub fn plan_text(self, text: &str, format: read::Format) -> Result<Self, Error> {
        self.compiled(read::ruleset(text, format))
    }

    /// Takes a plan that the program has filled in.
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
        self.compiled(read::object(plan))
    }

    fn compiled(self, compiled: Result<Compiled, Problems>) -> Result<Self, Error> {
        let compiled = compiled.map_err(|problems| Error::new(ErrorKind::InvalidConfig, problems))?;
        Ok(self.ruleset(compiled.ruleset))
    }

    /// Takes a compiled plan.
    pub fn ruleset(mut self, ruleset: impl Into<Arc<Ruleset>>) -> Self {
        self.ruleset = Some(ruleset.into());
        self
    }

    /// Keeps state and journal here; default: in memory.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Box::new(store);
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

    /// Opens the engine.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] without a plan; [`ErrorKind::StoreAway`] where the store cannot be read;
    /// [`ErrorKind::InvalidConfig`] where it holds another plan's rollout;
    /// [`ErrorKind::BrokenJournal`] where its journal does not fit its own hashes.
    pub fn build(self) -> Result<Engine, Error> {
        let Some(ruleset) = self.ruleset else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "an engine needs a plan: give it plan_file(path), plan_text(text, format) or config(&config)",
            ));
        };
        Engine::open(ruleset, self.store, self.clock, self.listeners)
    }
}
