//! From nothing to a running rollout.
//!
//! Every example of this page is compiled and run by the tests.
//!
//! # Flags only
//!
//! A file with flags and no phases is the smallest setup. Each flag starts at its `share`, and people set it by hand.
//!
//! ```
//! use rollgate::Engine;
//! use rollgate::core::units::Share;
//! use rollgate::read::Format;
//!
//! let plan = "
//! version: 1
//! name: shop
//! flags:
//!   NEW_SEARCH: { share: 25% }
//!   NEW_CART: { always_on: [tester-1] }
//! ";
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//!
//! // The same user always gets the same answer.
//! let search = engine.flag("NEW_SEARCH");
//! let on: Vec<u32> = (0..1_000).filter(|user| search.is_on(&format!("user-{user}"))).collect();
//! assert!((200..300).contains(&on.len()));
//!
//! // Who is in stays in while the share rises.
//! engine.set_shares("ann", &[("NEW_SEARCH", Share::parse("50%")?)], "it looks good")?;
//! assert!(on.iter().all(|user| search.is_on(&format!("user-{user}"))));
//!
//! // A share of nobody still lets the lists serve; an unknown flag is off.
//! assert!(engine.is_on("NEW_CART", "tester-1") && !engine.is_on("NEW_CART", "user-1"));
//! assert!(!engine.is_on("NEW_CARD", "user-1"));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! [`Engine::flag`](crate::Engine::flag) gives a handle, which is the fast way to read one flag many times. Two flags that
//! must be of one version are read through a pinned snapshot; [`evaluate`](crate::Engine::evaluate) also says why, and takes
//! attributes for flags that are bucketed by one:
//!
//! ```
//! use rollgate::Engine;
//! use rollgate::core::evaluate::{Attribute, Context};
//! use rollgate::read::Format;
//!
//! let plan = "
//! version: 1
//! name: shop
//! flags:
//!   BY_USER: { share: 50% }
//!   BY_ACCOUNT: { share: 50%, bucketing: { by: account } }
//! ";
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! let view = engine.snapshot();
//! let account = [("account", Attribute::Text("acme"))];
//! let ann = view.evaluate("BY_ACCOUNT", &Context::new("ann").with_attributes(&account));
//! let bob = view.evaluate("BY_ACCOUNT", &Context::new("bob").with_attributes(&account));
//! assert_eq!(ann.is_on(), bob.is_on());
//! assert_eq!((ann.reason.name(), ann.version), ("SPLIT", view.version()));
//!
//! // Without the attribute there is nothing to split by: the caller's default, and a code that says so.
//! let nobody = view.evaluate("BY_ACCOUNT", &Context::new("ann"));
//! assert!(nobody.value_or(true));
//! assert_eq!(nobody.error.map(|code| code.name()), Some("TARGETING_KEY_MISSING"));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! Environment variables of the flags' names can set where flags start: `NEW_SEARCH=false`, `NEW_SEARCH=10%`.
//! [`seed_from_env`](crate::EngineBuilder::seed_from_env) reads them; [`seed_from`](crate::EngineBuilder::seed_from) reads
//! anything else. A wrong value refuses the whole setup, and a plan with phases accepts `false` only.
//!
//! ```
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "{ version: 1, name: shop, flags: { A: { share: 5% }, B: {} } }";
//! let open = |b: &'static str| {
//!     let variable = move |name: &str| (name == "B").then(|| b.to_owned());
//!     Engine::builder().plan_text(plan, Format::Yaml)?.seed_from(variable).build()
//! };
//! assert!(open("true")?.is_on("B", "anybody"));
//! assert!(open("perhaps").is_err());
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # A plan
//!
//! A plan has phases. Each phase raises shares in *steps*, is watched for its *duration*, and goes on only when its
//! *gates* pass. *Triggers* roll back at any time. This one is used in the rest of the page:
//!
#![doc = "```yaml"]
#![doc = include_str!("search.yaml")]
#![doc = "```"]
//!
//! `rollgate check plan.yaml` finds every problem of a plan, and warns of what is allowed and doubtful: for this one,
//! that between 200 ms and 500 ms nothing passes and nothing acts. [`plan_reference`](super::plan_reference) has every key.
//!
//! # Recording
//!
//! Metrics are a fixed list: the plan's. [`Engine::metric`](crate::Engine::metric) gives a handle and refuses a name that
//! the plan does not have. What a handle can record depends on the metric's kind:
//!
//! | kind | call | note |
//! | --- | --- | --- |
//! | `distribution` | [`record`](crate::Metric::record), [`time`](crate::Metric::time) | wait-free |
//! | `ratio` | [`record_outcome`](crate::Metric::record_outcome), [`record_outcomes`](crate::Metric::record_outcomes) | wait-free; *true* is what is counted, so of an error rate it is an error |
//! | `gauge` | [`record`](crate::Metric::record) | one short lock; triggers on it fire inside the call |
//! | `event` | [`count`](crate::Metric::count) | one short lock; triggers on it fire inside the call |
//! | `score` | [`record`](crate::Metric::record) for ratings, [`record_points`](crate::Metric::record_points) | one short lock |
//!
//! Open the handle of an event metric when the program starts, not when the first event happens: from then on no events
//! are evidence that nothing happened. The same holds for [`Engine::alerts`](crate::Engine::alerts).
//!
//! A metric that lists flags under `arms` keeps its samples by arm, so that a gate can compare users who have the flag
//! with those who do not. `record_for(key, ..)` finds the arm by the subject's key, at the time of the call. A request
//! that outlives a change of shares takes its arms when it evaluates the flag and hands them on:
//!
//! ```
//! use rollgate::{Engine, Outcome, read::Format};
//!
//! let plan = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/search.yaml"));
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! let (latency, errors) = (engine.metric("latency")?, engine.metric("errors")?);
//!
//! let arms = latency.arms_of("user-42");
//! // ... the request is served ...
//! latency.record_in(arms, 12.3, 1);
//! errors.record_outcomes_for("user-42", 0, 1);
//! errors.record_outcome(Outcome::False);
//! drop(latency.time_for("user-42"));
//!
//! // What cannot be is counted, and never enters a window.
//! latency.record(f64::NAN);
//! let totals = engine.totals("latency").expect("the plan has it");
//! assert_eq!((totals.recorded, totals.invalid), (2, 1));
//! assert!(engine.metric("latencies").is_err());
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # Ticking
//!
//! Nothing happens by itself: [`Engine::tick`](crate::Engine::tick) does what is due, at most one evaluation and one step.
//! Call it at least every `evaluate_every` (a longer gap than three of them, at least a minute, counts as not watched), or
//! let a thread do it: [`Engine::spawn_ticker`](crate::Engine::spawn_ticker) ticks until the handle is dropped. An event
//! loop asks [`until_wakeup`](crate::Engine::until_wakeup) how long it may sleep.
//!
//! # A rollout that goes well
//!
//! Tests and examples set the clock by hand, so that an hour takes a moment. With the system's clock the calls are the
//! same.
//!
//! ```
#![doc = include_str!("guide_hour.txt")]
//! use rollgate::core::decide::{Choice, Status};
//!
//! let (engine, clock) = open();
//! engine.start("ann")?;
//! // The first step follows at once; the gates wait for the hour.
//! assert_eq!(engine.shares()[0].1.to_string(), "10%");
//! let go = || Choice::Go { override_reason: None };
//! assert!(engine.decide("lead", go(), "looks fine").is_err());
//!
//! hour(&engine, &clock, 120.0);
//! assert_eq!(engine.status().status, Status::AwaitingDecision);
//! let card = engine.scorecard(rollgate::core::report::Form::Phase);
//! assert_eq!(card.overall.name(), "PASS");
//!
//! // One signature is enough here; it is journalled with its reason.
//! engine.decide("lead", go(), "p95 and errors are far from their limits")?;
//! assert_eq!(engine.shares()[0].1.to_string(), "50%");
//!
//! // The second phase has no decision: it goes on by itself once its gates pass.
//! hour(&engine, &clock, 120.0);
//! assert_eq!(engine.shares()[0].1.to_string(), "100%");
//! hour(&engine, &clock, 120.0);
//! assert_eq!(engine.status().status, Status::Completed);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # A rollback, and the way back
//!
//! An automatic trigger asks nobody. What it takes away stays away until the contingency of the failed phase is met and
//! somebody says `retry`:
//!
//! ```
#![doc = include_str!("guide_hour.txt")]
//! use rollgate::core::decide::Status;
//!
//! let (engine, clock) = open();
//! engine.start("ann")?;
//! minutes(&engine, &clock, 10, 120.0);
//! // Latency breaks. `for: 5m` over windows of a minute: it has fired before the seventh minute is over.
//! minutes(&engine, &clock, 7, 900.0);
//! assert_eq!(engine.status().status, Status::RolledBack);
//! assert!((0..1_000).all(|user| !engine.is_on("NEW_SEARCH", &format!("user-{user}"))));
//!
//! // The refusal says what is missing, and is journalled.
//! let refused = engine.retry("ann").unwrap_err().to_string();
//! assert!(refused.contains("root_cause"), "{refused}");
//!
//! engine.attest("lead", "root_cause")?;
//! minutes(&engine, &clock, 10, 120.0);
//! engine.retry("ann")?;
//! assert_eq!(engine.status().status, Status::Running);
//! assert_eq!(engine.shares()[0].1.to_string(), "10%");
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # Who decides
//!
//! Commands carry a name. Where a role has no `members`, whoever names the role is believed: `by: "lead"` above is a role
//! that acts as itself. Where members are listed, a command names the person and the role
//! ([`Engine::command`](crate::Engine::command)), and others are refused. rollgate authenticates nobody: that is the
//! program's part.
//!
//! # The journal
//!
//! Everything that is decided is a line of JSON, numbered and chained by hashes.
//! [`journal_after`](crate::Engine::journal_after) reads it, [`on_record`](crate::EngineBuilder::on_record) hears it, and
//! [`journal::verify`](crate::journal::verify) checks the chain:
//!
//! ```
#![doc = include_str!("guide_hour.txt")]
//! let (engine, _) = open();
//! engine.start("ann")?;
//! let lines = engine.journal_after(0);
//! assert!(lines[0].contains("\"kind\":\"started\"") && lines[0].contains("\"by\":\"ann\""));
//! rollgate::journal::verify(lines.iter().map(String::as_str))?;
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # Notices
//!
//! Messages on transitions stand in the plan; the program says where they go. A notice is put down with its transition and
//! sent from a tick, at least once, over restarts too. [`notify`](crate::notify) has sinks and what they may do.
//!
//! ```
//! use rollgate::{Engine, read::Format};
//!
//! let plan = r#"
//! version: 1
//! name: told
//! flags: { NEW: {} }
//! metrics: { heap: { kind: gauge, unit: MB, good: down } }
//! phases:
//!   - id: all
//!     duration: 1h
//!     steps: [ { set: { NEW: 100% } } ]
//!     gates: { time: { phase_for: 1h } }
//!     triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
//! channels: { pager: { purpose: Incidents, frequency: incidents } }
//! notices:
//!   - { when: rolled_back, urgent: true, channels: [pager], message: "{name} rolled back to {to} by {cause}." }
//! "#;
//! let (paged, pager) = std::sync::mpsc::channel();
//! let engine = Engine::builder()
//!     .plan_text(plan, Format::Yaml)?
//!     .on_notice(move |notice| Ok(paged.send(notice.message.to_string()).map_err(|_| "nobody is there")?))
//!     .build()?;
//! engine.start("ann")?;
//! engine.metric("heap")?.record(2_000.0);
//! // The rollback has happened inside the call; a recording call waits for no pager.
//! assert!(!engine.is_on("NEW", "user-1") && pager.try_recv().is_err());
//! engine.tick();
//! assert_eq!(pager.try_recv().as_deref(), Ok("told rolled back to zero by trigger heap."));
//! assert!(engine.journal_after(0).iter().any(|line| line.contains("\"delivered\":true")));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # Actions before a step
//!
//! What must have succeeded before shares rise: a backup, a migration. The library runs nothing by itself; the program does,
//! in [`on_action`](crate::EngineBuilder::on_action), or somebody reports the result with
//! [`report_action`](crate::Engine::report_action). A failure pauses the rollout, and `resume` tries it again.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
//!
//! use rollgate::clock::ManualClock;
//! use rollgate::core::{decide::Status, time::{Span, Timestamp}};
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "
//! version: 1
//! name: careful
//! flags: { NEW: {} }
//! metrics: { heap: { kind: gauge, unit: MB, good: down } }
//! phases:
//!   - id: all
//!     duration: 1h
//!     steps: [ { set: { NEW: 100% }, actions: { backup: { run: make backup, expect: ok } } } ]
//!     gates: { time: { phase_for: 1h } }
//!     triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
//! ";
//! let has_room = Arc::new(AtomicBool::new(false));
//! let disk = has_room.clone();
//! let clock = ManualClock::at(Timestamp::parse("2026-01-13T10:00:00Z")?);
//! let engine = Engine::builder()
//!     .plan_text(plan, Format::Yaml)?
//!     .clock(clock.clone())
//!     .on_action(move |action| match action.run.as_deref() {
//!         Some("make backup") if disk.load(Relaxed) => Ok("ok".to_owned()),
//!         _ => Err("the disk is full".to_owned()),
//!     })
//!     .build()?;
//! let tick = || {
//!     clock.advance(Span::seconds(10));
//!     engine.tick();
//! };
//! engine.start("ann")?;
//! tick();
//! assert_eq!(engine.status().status, Status::Paused);
//! assert!(!engine.is_on("NEW", "user-1"));
//!
//! has_room.store(true, Relaxed);
//! engine.resume("ann", "the old logs are gone")?;
//! (0..3).for_each(|_| tick());
//! assert!(engine.is_on("NEW", "user-1"));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # The calendar
//!
//! Freezes and a deployment window say when nothing rises; what lowers never waits for them. A `schedule` reminds people, and
//! knows who has answered. [`status`](crate::Engine::status) has all of it.
//!
//! ```
//! use rollgate::clock::ManualClock;
//! use rollgate::core::{id::Key, time::{Span, Timestamp}, units::Share};
//! use rollgate::{Engine, read::Format};
//!
//! let plan = r#"
//! version: 1
//! name: by-day
//! evaluate_every: 10m
//! deployment_window: { days: [mon, tue, wed, thu], from: "09:00", to: "16:00" }
//! freezes: [ { from: 2026-12-19, to: 2027-01-03, reason: The holidays } ]
//! flags: { NEW: {} }
//! metrics: { heap: { kind: gauge, unit: MB, good: down } }
//! phases:
//!   - id: all
//!     duration: 2d
//!     schedule: { look: { title: Look at the dashboard, within: 1h } }
//!     steps: [ { set: { NEW: 50% }, hold: 2h }, { set: { NEW: 100% } } ]
//!     gates: { time: { phase_for: 1d } }
//!     triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
//! "#;
//! // A Monday.
//! let clock = ManualClock::at(Timestamp::parse("2026-01-12T15:00:00Z")?);
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.clock(clock.clone()).build()?;
//! let wait = |minutes: u64| (0..minutes / 10).for_each(|_| {
//!     clock.advance(Span::minutes(10));
//!     engine.tick();
//! });
//! engine.start("ann")?;
//! wait(10);
//! assert_eq!(engine.status().calendar.reminders[0].item, Key::new("look"));
//! engine.acknowledge("ann", "look")?;
//!
//! // The hold is over at 17:00, and the window has closed at 16:00.
//! wait(170);
//! assert_eq!(engine.shares()[0].1, Share::parse("50%")?);
//! let waiting = engine.status().calendar.waiting.expect("the step waits");
//! assert_eq!(waiting.until, Some(Timestamp::parse("2026-01-13T09:00:00Z")?));
//! // Down at any time; up by hand only with a reason.
//! engine.set_shares("ann", &[("NEW", Share::parse("20%")?)], "")?;
//! assert!(engine.set_shares("ann", &[("NEW", Share::parse("30%")?)], "").is_err());
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # What is left to do
//!
//! `follow_ups` of the plan, and what people add (after a postmortem, say), each with an owner and a date:
//!
//! ```
#![doc = include_str!("guide_hour.txt")]
//! use rollgate::core::decide::TaskState;
//!
//! let (engine, _) = open();
//! engine.start("ann")?;
//! engine.follow_up("ann", "cache", "Warm the cache before a step", "lead", "2w")?;
//! assert_eq!(engine.status().follow_ups[0].state, TaskState::Open);
//! engine.check("lead", "cache")?;
//! assert_eq!(engine.status().follow_ups[0].state, TaskState::Done);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! # In a service
//!
//! One engine a process, opened at the start and kept in an `Arc` or a static; clones are cheap and share everything.
//! Handles are opened once. Reading flags and recording need no lock of yours.
//!
//! ```
//! use std::sync::OnceLock;
//! use rollgate::{Engine, Metric, Outcome, flag::Flag, read::Format};
//!
//! struct Search {
//!     engine: Engine,
//!     is_new: Flag,
//!     latency: Metric,
//!     errors: Metric,
//! }
//!
//! static SEARCH: OnceLock<Search> = OnceLock::new();
//!
//! impl Search {
//!     fn open(plan: &str) -> Result<Self, rollgate::core::error::Error> {
//!         let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//!         let is_new = engine.flag("NEW_SEARCH");
//!         let (latency, errors) = (engine.metric("latency")?, engine.metric("errors")?);
//!         Ok(Self { engine, is_new, latency, errors })
//!     }
//!
//!     /// One request.
//!     fn answer(&self, user: &str) -> &'static str {
//!         let _timer = self.latency.time_for(user);
//!         let answer = if self.is_new.is_on(user) { "new" } else { "old" };
//!         self.errors.record_outcomes_for(user, 0, 1);
//!         answer
//!     }
//! }
//!
//! let plan = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/search.yaml"));
//! let search = Search::open(plan)?;
//! let search = SEARCH.get_or_init(|| search);
//! let ticker = search.engine.spawn_ticker()?;
//! let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| SEARCH.get().map(|s| s.answer("user-1")))).collect();
//! for thread in threads {
//!     assert_eq!(thread.join().ok().flatten(), Some("old"));
//! }
//! assert_eq!(search.engine.totals("latency").map(|totals| totals.recorded), Some(4));
//! drop(ticker);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! In an asynchronous service the same calls are made from any task: none of them waits for anything but the engine's one
//! lock, and flags, distributions and ratios do not take even that.
//!
//! # Several nodes, and metrics that others measure
//!
//! Engines on one [`SharedStore`](crate::store::SharedStore) are one rollout: one leads, all record and roll back.
//! `fleet: { quorum: 3 }` says how many of them must report, and serve the shares that apply, for time to count. A metric of
//! `scope: instance` is judged by each node on its own samples. What a Prometheus server knows already needs no code
//! (feature `prometheus`):
//!
//! ```text
//! prometheus: { url: "http://prometheus:9090", username: rollgate, secret: "env:PROMETHEUS_PASSWORD" }
//! metrics:
//!   queue: { kind: gauge, unit: count, good: down, source: { promql: "max(queue_length)", every: 30s } }
//!   slow:  { kind: gauge, unit: s, source: { promql: "histogram_quantile(0.95, sum by (le) (rate(request_seconds_bucket[1m])))" } }
//! ```
//!
//! The value is in the metric's unit. Silence is no data: [`sources`](crate::Engine::sources) says what the server said.
//!
//! # Testing your plan
//!
//! [`ManualClock`](crate::clock::ManualClock) stands still until it is moved, as in the examples above. `advance` lets
//! time pass; `jump_wall` sets the calendar and lets none pass. [`MemoryStore::go_away`](crate::store::MemoryStore::go_away)
//! plays a store that is lost. And without a line of Rust, `rollgate rehearse plan.yaml` fires every trigger, and
//! `rollgate replay plan.yaml --trace trace.jsonl` runs a recorded trace through the real engine.
//!
//! # Processes that end, and several of them
//!
//! `store_file("rollgate.db")` on the builder (feature `sqlite`) keeps state, journal and windows in an SQLite file: the next
//! process goes on where this one ended. Several processes of one host may open the same file. One of them advances the
//! rollout; all of them serve, record and roll back, and their samples count together. [`docs::store`](super::store) has the
//! tables, and queries to paste.
//!
//! # What there is not
//!
//! Without a store a process that ends forgets its rollout. There is no admin API yet.
