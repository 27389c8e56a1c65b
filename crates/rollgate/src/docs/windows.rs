//! What a window holds, and what its edges mean.
//!
//! # Slots
//!
//! What is recorded lies in slots on a grid of time, in four tiers:
//!
//! | slots of | kept for |
//! | --- | --- |
//! | 10 s | 11 minutes |
//! | 1 min | 66 minutes |
//! | 10 min | 9 hours |
//! | 1 h | the longest window of the plan, a week and two hours at the least |
//!
//! A window at an instant reaches back its length and takes whole slots: its old edge is rounded outward, to the slots of
//! its tier. Events and alerts keep exact times as far back as they are kept
//! ([`EVENT_TIMES_MAX`](crate::core::limits::EVENT_TIMES_MAX)), so that their windows are exact. A recording call that
//! fires a trigger sees everything up to its own sample.
//!
//! # Where a window may not reach
//!
//! A gate's window begins no earlier than its phase, or the phase's last extension. A trigger's begins no earlier than the
//! last rollback or stop, because what lies before was measured under another exposure. A raise cuts no window.
//!
//! # Coverage
//!
//! The part of the window, as written, that was *watched* and *fed*. Watched: the engine evaluated; a gap between
//! evaluations over three times `evaluate_every`, at least a minute, is not. Fed: a distribution, ratio or gauge is silent
//! after `max_gap` without a sample (10 minutes; 48 hours for scores); live events are always fed. So a gate over seven
//! days is short of coverage in the first days of its phase, and after a long restart.
//!
//! # Quantiles
//!
//! The rank is ceil(q n). A distribution counts in buckets whose middle is at most 0.4% off. Against a limit the bucket's
//! edge counts that is unfavourable to the claim: a gate passes only where all of the bucket passes, a trigger fires only
//! where all of it fires. So exactly 200 ms fails `below: 200ms`.
//!
//! `p95` over seven days is of all samples pooled. With `averaged_by: 1d` it is the mean of the daily p95s, over the days
//! with data; evidence shows both.
//!
//! # Memory
//!
//! It is bounded by the plan and not by the traffic: so many metrics, tiers and slots, each slot with the buckets that
//! were hit. [`Engine::window_bytes`](crate::Engine::window_bytes) says what the windows hold:
//!
//! ```
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "{ version: 1, name: x, flags: { A: {} }, metrics: { latency: { kind: distribution, unit: ms } } }";
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! let latency = engine.metric("latency")?;
//! latency.record(1.5);
//! engine.totals("latency");
//! let before = engine.window_bytes();
//! (0..10_000).for_each(|_| latency.record_many(1.5, 1_000));
//! assert_eq!(engine.totals("latency").map(|totals| totals.recorded), Some(10_000_001));
//! assert_eq!(engine.window_bytes(), before);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
