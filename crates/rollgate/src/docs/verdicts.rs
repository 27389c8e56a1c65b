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
//! at low traffic, where ten minutes do not hold the default `min_samples`, the count beyond the limit decides: an evaluation
//! counts against it where chance gives so many with less than 0.1%. Three slow requests in a row over a p95 limit do; two do
//! not, and five of sixty do not. From the third on it has to last, as ever: of one slow request every 200 s the sixth fires.
//!
//! ```
//! use rollgate::clock::ManualClock;
//! use rollgate::core::{decide::Status, time::{Span, Timestamp}};
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "
//! version: 1
//! name: sustained
//! flags: { A: {} }
//! metrics: { latency: { kind: distribution, unit: ms } }
//! phases:
//!   - id: all
//!     duration: 1d
//!     steps: [ { set: { A: 100% } } ]
//!     gates: { time: { phase_for: 1d } }
//!     triggers:
//!       slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 10m }, rollback: { to: zero } }
//! ";
//! // One request every so often, and whether the trigger has fired before the next would come.
//! let fires = |every: u64, values: &[f64]| -> Result<bool, rollgate::core::error::Error> {
//!     let clock = ManualClock::at(Timestamp::parse("2026-01-13T10:00:00Z")?);
//!     let engine = Engine::builder().plan_text(plan, Format::Yaml)?.clock(clock.clone()).build()?;
//!     engine.start("ann")?;
//!     let latency = engine.metric("latency")?;
//!     for value in values {
//!         latency.record(*value);
//!         for _ in 0..every / 10 {
//!             clock.advance(Span::seconds(10));
//!             engine.tick();
//!         }
//!     }
//!     Ok(engine.status().status == Status::RolledBack)
//! };
//! assert!(fires(10, &[900.0; 66])?);
//! assert!(!fires(10, &[900.0; 54])?); // nine minutes
//! assert!(!fires(200, &[900.0; 5])? && fires(200, &[900.0; 6])?); // ten minutes hold three
//! assert!(!fires(300, &[900.0; 12])?); // ten minutes hold two
//! let some: Vec<f64> = (0..60).map(|n| if n % 12 == 0 { 900.0 } else { 100.0 }).collect();
//! assert!(!fires(10, &some)?);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # Groups
//!
//! `all` takes the worst (`FAIL`, then `INCONCLUSIVE`, `WARN`, `PASS`), `any` the best; both leave out what is skipped.
//! `not` turns `PASS` and `WARN` into `FAIL` and back, and leaves the rest. `at_least_of` counts.
//!
//! ```
//! use rollgate::{Engine, core::report::Form, read::Format};
//!
//! // The heap is at 100 MB; nobody has said anything of the disk.
//! let judged = |gate: &str| -> Result<&'static str, rollgate::core::error::Error> {
//!     let gate = gate
//!         .replace("SMALL", "{ metric: heap, stat: last, below: 500MB }")
//!         .replace("TINY", "{ metric: heap, stat: last, below: 10MB }")
//!         .replace("DISK", "{ metric: disk, stat: last, below: 10GB }");
//!     let plan = format!("{{
//!         version: 1, name: groups, flags: {{ A: {{}} }}, roles: {{ lead: {{}} }},
//!         metrics: {{ heap: {{ kind: gauge, unit: MB }}, disk: {{ kind: gauge, unit: GB }} }},
//!         phases: [ {{ id: watch, duration: open, gates: {{ it: {gate} }}, decision: {{ roles: [lead] }} }} ] }}");
//!     let engine = Engine::builder().plan_text(&plan, Format::Yaml)?.build()?;
//!     engine.start("ann")?;
//!     engine.metric("heap")?.record(100.0);
//!     Ok(engine.scorecard(Form::Phase).rows[0].status.name())
//! };
//! assert_eq!(judged("{ all: [ SMALL, DISK ] }")?, "INCONCLUSIVE");
//! assert_eq!(judged("{ all: [ TINY, DISK ] }")?, "FAIL");
//! assert_eq!(judged("{ any: [ SMALL, DISK ] }")?, "PASS");
//! assert_eq!(judged("{ any: [ TINY, DISK ] }")?, "INCONCLUSIVE");
//! assert_eq!(judged("{ not: TINY }")?, "PASS");
//! assert_eq!(judged("{ not: DISK }")?, "INCONCLUSIVE");
//! assert_eq!(judged("{ at_least_of: { n: 2, conditions: [ SMALL, TINY, DISK ] } }")?, "INCONCLUSIVE");
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
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
