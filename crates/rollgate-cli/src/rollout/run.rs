//! `rollgate run`: an engine that ticks until it is told to end.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rollgate::clock::{Clock, SystemClock};
use rollgate::core::time::Span;
use rollgate::{Engine, Role};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::args::RunArgs;
use super::look;
use super::place::{self, Leader, Trouble, Way};
use crate::args::{Address, JournalFormat};
use crate::shell::{self, Earnest};
use crate::{journal_text, notify};

/// How long the end of the day may be overslept.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often the store is asked after.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The longest wait for a webhook.
const HOOK_TIMEOUT: Span = Span::seconds(5);
/// The longest wait for threads that are in the middle of something, at the end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Runs a plan on a store.
pub(crate) fn run(asked: &RunArgs) -> Result<ExitCode, Trouble> {
    let asked_to_end = signals()
        .map_err(|error| Trouble::usage(format_args!("SIGINT and SIGTERM cannot be listened to: {error}")))?;
    // A plan that is refused makes no store.
    let of_file = asked.plan.as_deref().map(place::of_file).transpose()?;
    let hook = hook(asked)?;
    if let Some(plan) = &asked.plan {
        refuse_foreign(asked, plan)?;
    }
    let store = asked.place.open(if asked.plan.is_some() { Way::Run } else { Way::Command })?;
    let path = store.path().to_owned();
    let leader = Leader::of(&store)?;
    let builder = match of_file {
        Some(builder) => builder,
        None => place::of_store(&store)?,
    };
    let (told, records) = channel();
    // The sender goes with the engine: once nobody can send any more, the lease has been given back.
    let mut builder = builder.store(store).on_record(move |line| {
        let _ = told.send(line.to_owned());
    });
    if let Some(hook) = hook {
        builder = builder.sink(hook);
    }
    if asked.run_actions {
        let folder = folder_of(asked.plan.as_deref());
        builder = builder.on_action(move |action| {
            let timeout = Duration::from_millis(action.timeout.0);
            shell::run(action, &folder, timeout, Earnest::Rollout)
        });
    }
    let engine = builder.build()?;
    let status = engine.status();
    let role = status.store.as_ref().map_or(Role::Leader, |store| store.role);
    let part = match role {
        Role::Leader => "this process leads it".to_owned(),
        Role::Follower | Role::Visitor => format!("{leader}; this process takes over when that one ends"),
    };
    eprintln!("{} on {}: {}; {part}", status.plan, path.display(), look::standing(&status));
    let ticker = engine.spawn_ticker()?;
    let mut out = Out { format: asked.format, is_gone: false };
    watch(asked, &engine, &records, &asked_to_end, &mut out);
    drop(ticker);
    // It hears what others decided last, and gives the lease back.
    engine.leave();
    let status = engine.status();
    drop(engine);
    let has_left = drain(&records, &mut out);
    eprintln!("ended: {} is {}; shares stay as they are", status.plan, look::standing(&status));
    if !has_left {
        eprintln!("warning: a sink or an action was still at work; another process takes over all the same");
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks before the lease is taken: another plan's rollout is left to whoever runs it.
fn refuse_foreign(asked: &RunArgs, plan: &Path) -> Result<(), Trouble> {
    if asked.place.path()?.is_file() {
        let store = asked.place.open(Way::Look)?;
        place::of_file(plan)?.store(store).visiting().build()?;
    }
    Ok(())
}

/// Set by the first SIGINT or SIGTERM; the second ends the process at once.
fn signals() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, asked.clone())?;
        signal_hook::flag::register(signal, asked.clone())?;
    }
    Ok(asked)
}

/// Prints records until the end is asked for.
fn watch(
    asked: &RunArgs,
    engine: &Engine,
    records: &Receiver<String>,
    asked_to_end: &AtomicBool,
    out: &mut Out,
) {
    let clock = SystemClock::new();
    let mut role = engine.status().store.map(|store| store.role);
    let (mut is_away, mut looked) = (false, Instant::now());
    while !asked_to_end.load(Ordering::Relaxed) && asked.until.is_none_or(|until| clock.wall() < until) {
        match records.recv_timeout(LOOK_EVERY) {
            Ok(line) => out.write(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if looked.elapsed() < ASK_EVERY {
            continue;
        }
        looked = Instant::now();
        let Some(store) = engine.status().store else { continue };
        if role != Some(store.role) {
            eprintln!("this process is a {} now", store.role.name());
            role = Some(store.role);
        }
        if is_away != store.away_for.is_some() {
            is_away = store.away_for.is_some();
            match &store.why {
                Some(why) => eprintln!("warning: {why}; nothing rises until it is back"),
                None => eprintln!("the store is back"),
            }
        }
    }
}

/// Prints what the last moments brought; whether the engine ended in time.
fn drain(records: &Receiver<String>, out: &mut Out) -> bool {
    let until = Instant::now() + END_WITHIN;
    loop {
        match records.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => out.write(&line),
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Standard output. A reader that has gone away must not end a rollout.
struct Out {
    format: JournalFormat,
    is_gone: bool,
}

impl Out {
    fn write(&mut self, line: &str) {
        if self.is_gone {
            return;
        }
        let text = match self.format {
            JournalFormat::Jsonl => Some(line.to_owned()),
            JournalFormat::Text => {
                serde_json::from_str(line).ok().and_then(|record| journal_text::line_of(&record))
            }
        };
        let Some(text) = text else { return };
        let mut out = io::stdout().lock();
        if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
            self.is_gone = true;
            eprintln!(
                "note: standard output cannot be written: {error}; the rollout goes on, and so does its journal"
            );
        }
    }
}

/// Where notices go, if anywhere.
fn hook(asked: &RunArgs) -> Result<Option<rollgate::notify::Webhook>, Trouble> {
    let address = Address {
        webhook_file: asked.hook.webhook_file.clone(),
        webhook_env: asked.hook.webhook_env.clone(),
        webhook: None,
    };
    let Some(found) = notify::address(&address)? else { return Ok(None) };
    Ok(Some(notify::webhook(found, asked.body, HOOK_TIMEOUT)?))
}

/// Where actions run.
fn folder_of(plan: Option<&Path>) -> PathBuf {
    let folder = plan.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
