//! Opening a store, and leaving with what was wrong with it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::engine::EngineBuilder;
use rollgate::store::{Lease, SharedStore, SqliteStore, Store, has_ended};
use rollgate::{Engine, core::time::Timestamp};

use super::args::{Place, Planned};
use crate::input;

/// The variable that says where the store is.
const STORE_VARIABLE: &str = "ROLLGATE_STORE";

/// Why a command ends, and with which exit code.
#[derive(Debug)]
pub(crate) struct Trouble {
    code: u8,
    kind: Option<ErrorKind>,
    why: String,
}

impl Trouble {
    /// Wrong usage, or input that does not fit.
    pub(crate) fn usage(why: impl std::fmt::Display) -> Self {
        Self { code: 2, kind: None, why: why.to_string() }
    }

    /// The same, and how to mend it.
    pub(crate) fn with(mut self, more: impl std::fmt::Display) -> Self {
        self.why = format!("{}; {more}", self.why);
        self
    }

    /// The library's kind of it.
    pub(crate) fn kind(&self) -> Option<ErrorKind> {
        self.kind
    }

    /// What is wrong.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// Says why, where it is what was looked for.
    pub(crate) fn found(self) -> ExitCode {
        Self { code: 1, ..self }.leave()
    }

    /// Says why.
    pub(crate) fn leave(self) -> ExitCode {
        eprintln!("error: {}", self.why);
        ExitCode::from(self.code)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::StoreAway
            | ErrorKind::StoreConflict
            | ErrorKind::LeaseLost
            | ErrorKind::StoreDamaged
            | ErrorKind::StoreTooNew
            | ErrorKind::BrokenJournal => 3,
            ErrorKind::Refused => 1,
            _ => 2,
        };
        Self { code, kind: Some(error.kind()), why: error.to_string() }
    }
}

/// What is done with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing is written, and nothing made.
    Look,
    /// People's commands are written; nothing is made.
    Command,
    /// A store that is not there is made.
    Run,
}

impl Place {
    /// The store's file.
    pub(crate) fn path(&self) -> Result<PathBuf, Trouble> {
        let said = || env::var_os(STORE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        self.store.clone().or_else(said).ok_or_else(|| {
            Trouble::usage(format_args!(
                "no store was named: --store FILE says which, or the environment variable {STORE_VARIABLE}"
            ))
        })
    }

    /// The store, opened.
    pub(crate) fn open(&self, way: Way) -> Result<SqliteStore, Trouble> {
        let path = self.path()?;
        if way != Way::Run && !path.exists() {
            let why = format!(
                "there is no store {}{}; `rollgate run PLAN --store FILE` makes one, or the program that runs the plan",
                path.display(),
                input::looked_in(&path)
            );
            return Err(Trouble { code: 3, kind: Some(ErrorKind::StoreAway), why });
        }
        let store = if way == Way::Look { SqliteStore::look(&path) } else { SqliteStore::open(&path) };
        Ok(store?)
    }
}

/// A builder with the plan of a file.
pub(crate) fn of_file(path: &Path) -> Result<EngineBuilder, Trouble> {
    Engine::builder().plan_file(path).map_err(|error| {
        let kind = Some(error.kind());
        if error.kind() == ErrorKind::InvalidConfig {
            let why = format!("{error}\n`rollgate check {}` shows each in its line", path.display());
            return Trouble { code: 1, kind, why };
        }
        Trouble { code: 2, kind, why: format!("{error}{}", input::looked_in(path)) }
    })
}

/// A builder with the text of the plan that the store keeps.
pub(crate) fn of_store(store: &SqliteStore) -> Result<EngineBuilder, Trouble> {
    let Some(kept) = store.plan()? else {
        return Err(Trouble::usage(format_args!(
            "the store {} does not hold its plan's text: no program that was given a plan file has led it yet; name the file \
             with --plan PLAN",
            store.path().display()
        )));
    };
    Engine::builder().plan_text(&kept.text, kept.format).map_err(|error| {
        Trouble::usage(format_args!(
            "the plan that the store keeps is refused by this version: {error}; name a file with --plan PLAN"
        ))
    })
}

/// An engine that looks, or carries out commands, and who led the rollout before it came.
pub(crate) struct Visit {
    pub(crate) engine: Engine,
    pub(crate) leader: Leader,
    pub(crate) path: PathBuf,
}

impl Planned {
    /// Opens an engine beside those that run.
    pub(crate) fn visit(&self, way: Way) -> Result<Visit, Trouble> {
        let store = self.place.open(way)?;
        let path = store.path().to_owned();
        let builder = match &self.plan {
            Some(plan) => of_file(plan)?,
            None => of_store(&store)?,
        };
        let leader = Leader::of(&store)?;
        let engine = builder.store(store).visiting().build()?;
        Ok(Visit { engine, leader, path })
    }
}

/// Who advances a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leader {
    /// Nobody: nothing advances, and no trigger is judged but by those who follow.
    Nobody,
    /// This node, as far as its lease says.
    Node {
        /// Its name.
        node: String,
        /// Its calendar at the last sign of life.
        seen: Timestamp,
    },
}

impl Leader {
    /// As the store's lease says.
    pub(crate) fn of(store: &SqliteStore) -> Result<Self, Trouble> {
        Ok(match SharedStore::head(store)?.lease {
            Some(Lease { holder, wall, .. }) if !holder.is_empty() && !has_ended(&holder) => {
                Self::Node { node: holder, seen: wall }
            }
            _ => Self::Nobody,
        })
    }
}

impl std::fmt::Display for Leader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody leads it now: nothing advances until a program does"),
            Self::Node { node, .. } => write!(f, "led by {}", who(node)),
        }
    }
}

/// A node, as people look for it.
pub(crate) fn who(node: &str) -> String {
    match node.split('/').nth(1) {
        Some(pid) if pid.parse::<u32>().is_ok() => format!("process {pid}"),
        _ => node.to_owned(),
    }
}
