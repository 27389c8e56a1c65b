//! How rollgate is made, and the choices behind it.
//!
//! # One pipeline
//!
//! ```text
//! config ──compile──► Ruleset ──evaluate──► Evaluation ──record──► Windows ──measure──► Measurement
//!                                                                     ──judge──► Finding ──decide──► Transition
//! ```
//!
//! Everything left of the runtime is pure: time is an argument, and a value comes back. The runtime owns the clock, one
//! lock, the store and the journal, and executes the effects that [`decide`](crate::core::decide::decide) returns, in
//! their order. There is no thread that anything depends on: [`Engine::tick`](crate::Engine::tick) does what is due, and
//! [`Engine::spawn_ticker`](crate::Engine::spawn_ticker) only calls it.
//!
//! # Two times
//!
//! *Wall* time labels records and drives the calendar. *Observed* time runs at the same speed and never jumps: waits and
//! windows are counted on it. Time that the engine did not watch (a gap between evaluations over three times
//! `evaluate_every`, at least a minute) credits no wait, and is a hole in every window. So a set clock, a suspend or a
//! restart can only make a rollout slower.
//!
//! # What is read without a lock
//!
//! A flag's handle reads one atomic word. A pinned [`snapshot`](crate::Engine::snapshot) is one version of all flags.
//! Samples of distributions and ratios go to shards that one thread writes and the next evaluation collects. Events,
//! gauges and alerts take the engine's lock for a moment, because a trigger on them fires before the call returns:
//!
//! ```
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "
//! version: 1
//! name: at-once
//! flags: { NEW: {} }
//! metrics: { heap: { kind: gauge, unit: MB, good: down } }
//! phases:
//!   - id: all
//!     duration: 1h
//!     steps: [ { set: { NEW: 100% } } ]
//!     gates: { time: { phase_for: 1h } }
//!     triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
//! ";
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! engine.start("on_call")?;
//! assert!(engine.is_on("NEW", "user-1"));
//! engine.metric("heap")?.record(1_001.0);
//! assert!(!engine.is_on("NEW", "user-1"));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # Order of writing
//!
//! What raises is written down before it is applied; what lowers is applied before it is written down. A raise that
//! cannot be written does not happen, and its records are taken back. A rollback that cannot be written has happened; its
//! records wait for the store. A rollback inside a recording call is written inside that call too: a process that is
//! killed a moment later must not come back with the shares that the trigger took away.
//!
//! # Choices
//!
//! Where the semantics leave something open, this is what rollgate does.
//!
//! - **A trigger that warns fires.** `warn_within` colours a scorecard; it never keeps a rollback from happening.
//! - **When a latch opens.** A trigger that fired can fire again once its condition has been false on a window of its own
//!   length (`over`, `within`) that begins after the rollback. Its `for` is not waited for: a second breach that begins
//!   before it had passed would find the latch closed for good.
//! - **A stop cuts the triggers' windows** like a rollback does: what was measured before it was measured under another
//!   exposure, and must not fire after the retry.
//! - **A retry after a stop that came before the start** goes back to `pending`; the plan still waits for its start.
//! - **While rolled back or stopped nothing rises**, not even up to what the plan would allow. Releasing an override gives
//!   a flag back to the rollback's own limit.
//! - **An open phase never ends by itself.** Without a decision it stays running.
//! - **Every `go` records the verdicts it was given on**; only the last one depends on them.
//! - **An override above the plan's step** holds until a step that allows less is applied: steps take the smaller share.
//! - **Environment variables** seed flags-only setups. Beside a plan with phases only `false` is accepted, since the plan
//!   alone raises shares.
//! - **A sample for a subject without a key**, or of a flag that is disabled, belongs to no arm: the caller's default
//!   decided, and rollgate does not know it.
//! - **A finding of a trigger** says `PASS` where its condition holds, which is when it fires.
//!
//! # Deliberately absent
//!
//! No server, no sidecar and no control plane; no async twin of any call; no timer thread that correctness needs; no
//! floating point and no modulus in a flag's evaluation; no default for "sustained", "excessive" or any other word that
//! needs a number.
