//! How a condition is judged: evidence first.
//!
//! A verdict is one of [`Verdict`](crate::core::judge::Verdict)'s five:
//!
//! | verdict | says |
//! | --- | --- |
//! | `PASS` | it holds, on evidence |
//! | `WARN` | it holds, within `warn_within` of its limit; it passes |
//! | `FAIL` | it does not hold, on evidence |
//! | `INCONCLUSIVE` | it cannot be said, and the [`Cause`](crate::core::judge::Cause) says why |
//! | `SKIPPED` | it was not asked (`only_if`); it counts neither way |
//!
//! A phase's gates pass when each passes, warns or is skipped, and at least one is not skipped. Nothing measured is never
//! a pass. Before duration and soak are over a gate set is `NOT YET`, whatever its gates say.
//!
//! ```
//! use rollgate::clock::ManualClock;
//! use rollgate::core::{report::Form, time::{Span, Timestamp}};
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "
//! version: 1
//! name: one-gate
//! flags: { A: {} }
//! metrics: { latency: { kind: distribution, unit: ms } }
//! roles: { lead: {} }
//! phases:
//!   - id: watch
//!     duration: open
//!     gates: { fast: { metric: latency, stat: p95, over: 1m, below: 200ms, warn_within: 10% } }
//!     decision: { roles: [lead] }
//! ";
//! let judged = |values: &[f64]| -> Result<&'static str, rollgate::core::error::Error> {
//!     let clock = ManualClock::at(Timestamp::parse("2026-01-13T10:00:00Z")?);
//!     let engine = Engine::builder().plan_text(plan, Format::Yaml)?.clock(clock.clone()).build()?;
//!     engine.start("ann")?;
//!     let latency = engine.metric("latency")?;
//!     values.iter().for_each(|value| latency.record_many(*value, 1_000));
//!     clock.advance(Span::seconds(10));
//!     engine.tick();
//!     Ok(engine.scorecard(Form::Phase).rows[0].status.name())
//! };
//! assert_eq!(judged(&[])?, "INCONCLUSIVE"); // no data
//! assert_eq!(judged(&[150.0])?, "PASS");
//! assert_eq!(judged(&[190.0])?, "WARN");
//! assert_eq!(judged(&[200.0])?, "FAIL"); // below 200ms is not 200ms
//! assert_eq!(judged(&[150.0, f64::NAN])?, "INCONCLUSIVE"); // a sample was dropped
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # What is asked of evidence
//!
//! - **Samples.** Fewer than `min_samples` are `too_few_samples`: 10/(1-q) for a quantile, 10 for a mean or a ratio, 1 for
//!   gauges and scores, 0 for events, unless written.
//! - **Coverage.** The part of the window that was watched and fed, 90% for gates over more than an hour. See
//!   [`windows`](super::windows).
//! - **Drops.** A window with a dropped or invalid sample passes no gate.
//! - **Zero events** are evidence only where the source is live. `rollgate.rollbacks` always is.
//!
//! A count that is over its limit already needs no more samples to fail.
//!
//! # Sustained
//!
//! `for: 10m` asks that the condition has held at every evaluation for ten minutes, on windows of `over`, and on the ten
//! minutes pooled. Healthy evaluations end a streak unless, summed over it, they last no longer than `over`. For a trigger
//! at low traffic, where ten minutes do not hold the default `min_samples`, the count beyond the limit decides: it fires
//! where chance gives so many with less than 0.1%. Three slow requests in a row over a p95 limit do; five of sixty do not.
//!
//! # Groups
//!
//! `all` takes the worst (`FAIL`, then `INCONCLUSIVE`, `WARN`, `PASS`), `any` the best; both leave out what is skipped.
//! `not` turns `PASS` and `WARN` into `FAIL` and back, and leaves the rest. `at_least_of` counts.
//!
//! # Baselines
//!
//! `versus: baseline` judges the change. Without a baseline it is `no_baseline`, never a pass.
//!
//! # ON against OFF
//!
//! `compare` runs since the last change of shares. It passes once ON is shown to be no worse than OFF by more than the
//! margin, fails once it is shown to be worse, and is `undecided` until then. It may be asked at every evaluation: the
//! bound holds at any time.
