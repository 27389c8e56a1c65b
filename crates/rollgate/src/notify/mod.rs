//! Where notices go: sinks for channels (SEMANTICS 7.3).
//!
//! A notice is owed from the moment that its transition is written down, and stays in the rollout's state until its sink
//! has taken it: **at least once**, over restarts too. What a process that is killed between the two sends again carries
//! the same [`id`](Delivery::id), so that a sink can leave it out. A channel that fails is tried again after 10 s, 20 s,
//! and so on up to 15 min, for a day from its first failure; then the journal says that it was not delivered. A process
//! tries what the one before owed at least once before it gives that up, and leaves alone what it has no sink for: that
//! waits for a process that has. What a process itself writes to a channel without a sink is refused at once.
//!
//! Sinks are called from [`Engine::tick`](crate::Engine::tick) only, after everything that was due has been decided, never
//! under the engine's lock, and each by one thread at a time. One that fails or panics holds up no rollback. One that hangs
//! holds up no recording call and no trigger that is judged in one; with
//! [`Engine::spawn_ticker`](crate::Engine::spawn_ticker), which has a thread for each sink, it holds up no evaluation and no
//! other sink either.
//!
//! A host that ticks itself waits in its tick. A call that takes a second or more is the last one of its tick, so that a
//! slow sink costs each tick one call, and what is for other sinks may wait behind it for some ticks: urgent notices first,
//! then the oldest. A sink that hangs keeps the tick, with all that the next ticks would have decided, for as long as it
//! hangs; ticks of other threads leave that sink out and go on. Give such sinks a timeout.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use rollgate::{Engine, read::Format};
//!
//! let plan = r##"
//! version: 1
//! name: told
//! flags: { NEW: {} }
//! phases:
//!   - id: prepare
//!     duration: 1h
//!     gates: { time: { phase_for: 1h } }
//! notices:
//!   - { when: phase_started, channels: ["slack:#team"], message: "{phase.id} started." }
//! "##;
//! let said = Arc::new(Mutex::new(Vec::new()));
//! let hear = said.clone();
//! let engine = Engine::builder()
//!     .plan_text(plan, Format::Yaml)?
//!     .on_notice_to("slack", move |notice| {
//!         hear.lock().map_err(|_| "poisoned")?.push(format!("{}: {}", notice.channel, notice.message));
//!         Ok(())
//!     })
//!     .build()?;
//! engine.start("on_call")?;
//! engine.tick();
//! assert_eq!(*said.lock().unwrap(), ["slack:#team: prepare started."]);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```

mod lines;
mod recipient;
mod sink;
mod sinks;
#[cfg(feature = "tracing")]
mod traced;
#[cfg(feature = "webhook")]
mod webhook;

pub use lines::JsonLines;
pub use recipient::for_recipient;
pub use rollgate_core::decide::Delivery;
pub use sink::{SendError, Sink};
pub(crate) use sinks::Sinks;
#[cfg(feature = "tracing")]
pub use traced::Traced;
#[cfg(feature = "webhook")]
pub use webhook::{Webhook, WebhookBody};
