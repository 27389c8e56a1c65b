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
//! The snapshot cell stores its version before the swap; that alone keeps views, reads and messages between threads from
//! going back. Its own file runs under loom and shuttle (`tests/models`), where each planted mistake must be found, and on
//! real threads and Miri (`crates/rollgate/tests/cell.rs`). G2 to G4 are measured by `crates/rollgate-core/tests/quality`,
//! which has to call five other functions wrong.
//!
//! # Order of writing
//!
//! What raises is written down before it is applied; what lowers is applied before it is written down. A raise that
//! cannot be written does not happen, and its records are taken back; the instant is decided again without going on, so
//! that a latch that opened or a trigger that fired dry is not lost with it. A rollback that cannot be written has happened; its
//! records wait for the store. A rollback inside a recording call is written inside that call too: a process that is
//! killed a moment later must not come back with the shares that the trigger took away.
//!
//! # Order of precedence
//!
//! What decides at one instant, first to last: a stop; automatic triggers; a closed calendar (a freeze or the hours outside
//! the deployment window); a hold; gates; a decision; an advance. At one time stamp the evaluation comes first, then
//! commands in their order. Of triggers that fire together all are journalled and the lowest target wins, flag by flag.
//! What lowers wins over what raises, always.
//!
//! What a flag serves, first to last: unknown, the caller's default; killed by a stop or a rollback to zero, off; disabled,
//! the caller's default; its parent off, off; an operator's share; `always_off`, `always_on`; the share.
//!
//! # Promises
//!
//! The README says them in plain words, with what is not promised. G11 and G14 are of parts that are not built yet.
//!
//! | | promise |
//! | --- | --- |
//! | G1 | evaluation never throws, blocks or aborts the host |
//! | G2 | same flag, salt, key and share: same answer for ever |
//! | G3 | raising a share only adds subjects, lowering only removes |
//! | G4 | shares are met within 4.9 sigma; 0 % is nobody, 100 % is everybody |
//! | G5 | bad input never replaces a good snapshot |
//! | G6 | readers see whole snapshots; versions never go back |
//! | G7 | missing, stale, NaN or dropped data never passes a gate |
//! | G8 | an automatic trigger acts within its window plus one evaluation, once, whatever else is pending |
//! | G9 | no advance without passing gates, the watched soak and the required approvals, but by a signed override |
//! | G10 | an acknowledged decision is in the store, once |
//! | G11 | a controller that lost its lease changes nothing |
//! | G12 | memory is bounded under any flood |
//! | G13 | correctness needs no thread |
//! | G14 | the admin surface is off by default, authenticated, bounded |
//! | G15 | clock steps and suspends never shorten a wait |
//! | G16 | no `unsafe` outside the doors: the crate of C and Node, and one module of Python's that reads arrays |
//!
//! # Choices
//!
//! Where the semantics leave something open, this is what rollgate does.
//!
//! - **A trigger that warns fires.** `warn_within` colours a scorecard; it never keeps a rollback from happening.
//! - **When a latch opens.** A trigger that fired can fire again once its condition has been false on a window of its own
//!   length (`over`, `within`) that begins after the rollback. Its `for` is not waited for: a second breach that begins
//!   before it had passed would find the latch closed for good.
//! - **A latch at low traffic.** A count beyond the limit that may be chance is no evidence of health either, so that the
//!   windows of a trigger on few samples say neither. Its condition counts as false once the latest `min_samples` samples
//!   since it fired, however long they took, are within the limit; the same starts the clock of a lapsing proposal.
//!   Without it, a trigger would fire once and never again.
//! - **Statements are people's own.** `value: false` takes back the same person's statement. Without one to take back it
//!   is an objection: the item is not attested, whatever others say before or after, until that person says otherwise.
//!   Of somebody outside the gate's `roles` it counts for nothing.
//! - **One level is no trend.** A gauge's growth needs two values in its window; a part of a trend in which it was only
//!   held is a part without data.
//! - **A mean of counts is not asked for**: `averaged_by` goes with quantiles, means, extremes, ratios and scores. A rate
//!   such as `per_day` is the mean of counts already.
//! - **A `compare` gate asks for coverage** as one `over: phase` does: it may not pass on the first hour of a week.
//! - **A plan edited under its store** goes on where flags, phases and the number of steps are the same; pending
//!   proposals, latches and captured baselines follow the names of their triggers and metrics. Else it is refused.
//! - **Triggers need phases.** In a setup of flags only they are an unknown key: a rollback there would have no phase, no
//!   contingency and no retry to come back by. Metrics are recorded and kept. (Open: triggers that only lower.)
//! - **A stop cuts the triggers' windows** like a rollback does: what was measured before it was measured under another
//!   exposure, and must not fire after the retry.
//! - **A retry after a stop that came before the start** goes back to `pending`; the plan still waits for its start.
//! - **Words are bounded**: a command with a text of more than 16 KiB is refused and changes nothing, whichever way it comes.
//!   A stop, and a share that is lowered by hand, need no words and are never refused for them: they are cut.
//! - **While rolled back or stopped nothing rises**, not even up to what the plan would allow, and not by a release: it
//!   gives the flag back to the plan, which raises it with the retry.
//! - **An open phase never ends by itself.** Without a decision it stays running.
//! - **Every decision records the verdicts it was given on**, where the gates were due; only the last `go` depends on
//!   them.
//! - **An override above the plan's step** holds until a step that allows less is applied: steps take the smaller share.
//! - **A baseline is captured before the first exposure only.** After it, also after a rollback to zero, only
//!   `capture_baseline` takes one; a window that nobody watched gives none, and no zero. Its record says what it rests
//!   on: value, samples, window, coverage, time.
//! - **A `for` lasts from when its condition began to hold**, in gates and in the `only_if` of a step too, not from when
//!   they are first asked. In gates and steps only watched time counts; a trigger is not held up by a gap.
//! - **Before an engine was opened nobody watched**, unless the store has windows of an earlier one: then the time between is
//!   a gap in them, and gates that ask for more than has been watched do not pass.
//! - **Watched time is saved every minute**, so that a process that is killed loses no more of a wait. The next one goes
//!   on at the calendar's time, or where the one before stopped if the calendar was set back.
//! - **Environment variables** seed flags-only setups. Beside a plan with phases only `false` is accepted, since the plan
//!   alone raises shares.
//! - **A sample for a subject without a key**, or of a flag that is disabled, belongs to no arm: the caller's default
//!   decided, and rollgate does not know it.
//! - **A finding of a trigger** says `PASS` where its condition holds, which is when it fires.
//!
//! # Actions before a step
//!
//! `actions` under a step are a wait like its `hold`: they come last, once the hold has passed and `only_if` passes, and the
//! shares apply once all of them have succeeded in this attempt, in their order. The library runs nothing by itself. The
//! host runs an action in [`on_action`](crate::EngineBuilder::on_action), or somebody reports its result:
//!
//! ```text
//! {"at":"2026-01-19T10:00:00Z","command":"action","action":"backup","ok":true,"output":"ok","by":"ci"}
//! ```
//!
//! - **A failure holds, it does not roll back.** What is exposed is healthy; a backup that cannot be made is a reason not to
//!   go on, and none to take a working version away from people. The rollout is paused with the reason, triggers stay live,
//!   and a person's `resume` runs the failed action again; those that succeeded are not repeated.
//! - **At least once.** The start of an action is written down before the host hears of it. A process that ends in the
//!   middle of one starts it again when it comes back, so an action has to bear being run twice.
//! - **Results are of one attempt.** A rollback, a stop, a retry, another phase or an edited plan forgets them. A run has a
//!   number; a result that names another one, or an action that is not under way, is refused and changes nothing.
//! - **A timeout begins when the host is asked**, which a tick does: at the first evaluation instant after the start by which
//!   there was a tick. A timeout that is shorter than the wait for a tick so ends nothing unasked, and a replay, which
//!   ticks at evaluations only, counts from the same instant. It counts observed time. A host that is still busy with a
//!   run that counts no more has been asked like any other. A callback cannot be interrupted: one that comes back too late
//!   has failed, whatever it says. While it runs, a tick by hand does not return; triggers in recording calls are live all
//!   the same.
//! - **Output is kept by its end**, 4 KiB of it; `expect` is compared with all of it, without the white space around it.
//!
//! # After the rollout
//!
//! - **A final flag has left the plan.** `final: true` comes before kills, lists, parents and shares: the old code behind it
//!   may be gone. The plan counts it neither as exposure nor as something to lower, and shows it at 100 %.
//! - **Who still asks** for a final or removable flag is told by one bit a flag, written once, so that reading threads go on
//!   sharing its line: whether, not how often; since the latest change of shares, or since the process began.
//! - **A flag is removable** once it has been watched for `removal.stable_for` at 100 % by the plan itself, the windows saw
//!   no critical alert and none of the `quiet` events in that time (silence of what nobody watches is no evidence), every
//!   `requires` is attested, and each role of `approve_by` has attested `removal`. Without `approve_by` the decision that
//!   ends the last phase is the approval. The windows are asked once an hour; each change is a `removable` record, and that
//!   is what `rollgate stale` reads.
//! - **A follow-up's length of time** begins at completion for those of the plan, and now for those that people add. A date
//!   is due at the end of its day. A retry after completion takes completion back.
//! - **Work from a postmortem** is added by `follow_up`, one command a thing, with an owner and a date; both are required.
//!   The postmortem itself is an item of the contingency (`if_zero: [postmortem]`).
//! - **To degrade is a rollback of one flag**: a trigger with `set` lowers the flags that it names, and the rest stays. A
//!   flag needs no key for what is served instead; that is what its host does where it is off. See
//!   `examples/plans/degrade.yaml`.
//! - **A rehearsal reaches its phases by overridden decisions**: it is of the rollbacks, and its samples are made up. Faults
//!   are as small as they can be, so that a trigger that another one always comes before is found.
//!
//! # Calendar
//!
//! A closed calendar holds up what raises and nothing else: triggers, stops and lowering by hand are never asked for the
//! time of day.
//!
//! - **A freeze's last day belongs to it**: `to: 2027-01-03` ends as that day ends. A `to` with a time ends then.
//! - **Clocks that change.** A time of day that occurs twice is its first; one that is left out is the moment at which the
//!   clocks are put forward.
//! - **Entering a phase asks that phase's window**, not that of the phase before. A phase without steps raises nothing
//!   and is entered at any time.
//! - **The last `go` in a closed calendar counts and waits.** The gates are judged anew as it opens. It is void
//!   (`go_voided`, with why) where they do not pass then, where the status or the plan has changed, or where a proposal is
//!   pending; then people say it again. Whoever signs on Friday has not seen Monday.
//! - **An override lets in its phase and that phase's first step**, and no more: further steps wait like any other.
//! - **By hand.** Raising a share while the calendar is closed needs a reason. A `release` that would raise is refused,
//!   because what it raises to is the plan's, and the plan's is what waits; so are `start` and `retry` of a phase with
//!   steps.
//! - **Reminders and daily scorecards come once, by wall time.** After a leap of the calendar or a night away only the
//!   latest is journalled, with the number of those that were `skipped`; a calendar that is set back repeats none.
//! - **`due: 2d` is two days before the phase may end**, counted in watched time, so that it moves with an extension and
//!   with a pause. A date is due at the end of its day.
//! - **`date` is the day on which the first phase is planned to begin**, for planned ends and for notices alike.
//!
//! # Fleets
//!
//! - **A quorum is of nodes that report and serve.** `fleet: { quorum: 3 }`: time counts as watched, for holds, soaks and
//!   the coverage of gates, while three nodes have reported within the time of a lease and all three serve the shares that
//!   apply. So a soak begins when enough nodes have the new shares, and a node that falls silent stops the clock within a
//!   lease. Triggers, stops and lowering by hand ask for no quorum. A plan with a quorum on a store that no other engine
//!   can reach is refused; a replay or a rehearsal ([`offline`](crate::EngineBuilder::offline)) counts as all the nodes.
//! - **Scope is declared**: a metric is of the `fleet` unless it says `scope: instance`, and `fleet: { alerts: instance }`
//!   says so for alerts. Of scope `instance` nothing is merged: five complaints on five nodes are one each. What a node
//!   has of its own begins with its process, also after a restart, because nobody can say whose successor it is; what it
//!   did not watch itself is no evidence. Gates on such a metric are judged by the leader, on its own samples, and a
//!   trigger that fires on one node rolls the fleet back.
//!
//! # Metrics from Prometheus
//!
//! `source: { promql: … }` sets a gauge's level, or a score's points, by each answer of an instant query (feature
//! `prometheus`); the value is in the metric's unit, and a ratio is written in percent.
//!
//! - **Anything but one finite number of now is silence**: no series, more than one, NaN, an infinity, an error, a time-out,
//!   more than 1 MiB, a warning (a part of the data may be missing), a sample older than `max_gap`, an answer further than
//!   `max_gap` from this machine's clock. Nothing is recorded, the metric is stale after `max_gap`, no gate passes on it,
//!   and [`sources`](crate::Engine::sources) and the status say what was answered instead.
//! - **How old a sample is, is asked.** An instant query gives a sample as if it were of now for five minutes after its
//!   target has stopped telling. So `timestamp(query)` is asked of the same instant. Of what is computed from samples
//!   (`max`, `rate`, `scalar`) the server knows no age, and its look-back is what remains.
//! - **One sample counts once**, and one that was taken before the latest change of shares counts for nothing: a trigger
//!   would fire again on what it has just rolled back. A query that looks back (`rate(x[5m])`) mixes both, and nobody can
//!   tell; let it look back for less than the trigger's `settle`.
//! - **A quantile or a rate from Prometheus is a gauge.** Distributions, ratios and events are refused: the answer is a
//!   number without the samples, the outcomes or the times behind it, and no evidence could be counted.
//! - **Nobody waits.** The leader asks, outside the engine's lock, as the last part of a tick or in the ticker's own thread,
//!   never in a recording call. A server that cannot be reached is left alone for 10 s.
//! - **A plan holds no secret**: `secret` names a variable or a file, which is read for each query. It goes to no redirect.
//!
//! # Notices
//!
//! One function, [`owed`](crate::core::decide::owed), maps each journal record to the letters that it owes; they are put
//! into the state's outbox in the transaction that writes the record. [`notify`](crate::notify) has the rest.
//!
//! - **At least once.** A delivery leaves the outbox after its sink took it, so that a process which is killed between
//!   the two sends it again, with the same id. Losing the news of a rollback is worse than telling it twice.
//! - **The id is the record's**: its number, the beginning of its hash, the message, the channel. Two rollouts of one
//!   plan never share it. A notice of the calendar has its instant in the record's place.
//! - **`delivered` is never a guess.** Without a sink (a replay, a simulation, a channel that nobody serves) the journal
//!   says `delivered: false, attempts: 0, error: "no sink for this channel"` in the transition's own transaction; with
//!   one, nothing is written until the sink answered or the notice was given up. The field is always a yes or no.
//! - **What a new process inherits** it tries once before it gives it up, however long the one before was down, and leaves
//!   alone what it has no sink for: a store that is opened once without sinks loses no notice of a rollback. Only what a
//!   process has itself written to a channel that it does not serve is refused at once.
//! - **With a ticker each sink has a thread of its own**, and so have actions: one that hangs holds up no evaluation and no
//!   other sink. There are as many threads as sinks were given, and no more. Two threads never call one sink at once.
//! - **A tick by hand does it all in line**, after what was due has been decided: at most 32 calls, and none after one that
//!   took a second. Behind a sink that is slow every time, others so wait for some ticks, urgent notices first; one that
//!   hangs keeps the tick for as long, and a tick of another thread goes on with the other sinks.
//! - **A phase that was passed by override is told as that**, with who gave it and why, below the plan's own words and in
//!   scorecards: what was no success by the gates must not read like one.
//! - **A channel that fails rests as a whole**, 10 s to 15 min: a dead webhook costs one time-out, not one a notice. Its
//!   notices keep their order, but urgent ones go first. A panic is not tried again: what it left in the sink nobody knows.
//! - **256 notices wait at most**; the oldest that is not urgent goes first, and the journal says so.
//! - **The planned first exposure** is counted from the plan's date, which is that of the first phase: midnight in its zone,
//!   the durations of the phases before the one that exposes, the holds before that step, and the wait for the deployment
//!   window where it is closed then. Without a date nothing is counted back. A date that is moved announces again; an
//!   exposure that came first announces never.
//! - **`daily` and `weekly` come at `daily.at`**, weekly on Mondays, from the start to completion, also while rolled back.
//!   After an absence the latest is sent, marked as late. Each day and week comes once, wherever the clock is set; what a
//!   clock that is set back comes to first only says where the calendar stands.
//! - **`gates_failed` comes once a phase** (again after an extension); where nobody decides, also when the gates cannot
//!   be judged, because the rollout stands still without anybody being asked.
//! - **Recipients' names stay out of the journal**: `{recipient.name}` is filled by the sink, with
//!   [`for_recipient`](crate::notify::for_recipient).
//! - **`[User]` is refused** where it was meant to be filled: the placeholders of other people's templates would be sent
//!   as they stand. Other bracketed words are warned of.
//!
//! # Reports
//!
//! Reports and scorecards read the engine and change nothing; asking for one is not an evaluation.
//!
//! - **The journal is read outside the engine's lock**, from a copy that shares its lines: a trigger in a recording call
//!   waits for no report. What the windows say is measured under the lock, and its length is that of the plan.
//! - **ON and OFF are kept once a day in the state**, of the samples since the last change of shares, because windows over a
//!   change of shares would mix two populations.
//! - **Overnight alerts come from the journal**, with exact times, between 17:00 and `daily.at` of the plan's zone; they are
//!   complete where the windows no longer are.
//! - **"No change", "maintain" and "improve" are limits like any other**: no change is two of them under `all`, since a
//!   change may be up or down and a plan has to say by how much.
//! - **The production column of the targets is the open phase**: what is asked for good stands in the phase that never ends
//!   by itself.
//! - **A projection needs three days and eight parts** of a gauge's window; before that it says how much there is and
//!   projects nothing. The growth is the median of the slopes between parts, its interval Sen's at 95 %, with the parts
//!   taken as independent. It is shown and decides nothing.
//! - **Each metric is in one view**: by its kind, or the one that it names.
//!
//! # Rules and variants
//!
//! * A flag's *side* (on or off) and its *variant* are two answers: shares, arms and gates are of sides, whatever the values
//!   are. A flag without `default` serves the caller's default where it is off.
//! * Holdbacks and exclusive ranges come before an operator's share and before lists. Else lowering a share would expose
//!   subjects that had been held back, and a list could give somebody two flags that exclude each other.
//! * `true`, `false` and a name are what a rule serves: `on` and `off` are truth values to readers of YAML 1.1.
//! * An unknown operator (`unknown: NAME`, which importers write) takes its whole rule out, also below `not` and `any`.
//! * Named conditions are compiled once and shared. What one evaluation may ask is bounded as the plan is compiled, since
//!   a few conditions that name each other twice ask millions.
//! * Versions are strictly SemVer 2.0.0 and compared where they stand: the parsers that there are allocate.
//! * A handle reads one word where a threshold decides. Lists and rules of a flag that hangs on nothing else take the flag
//!   beside that word: no snapshot, and no reason, which costs as much again (`is_on_for`). Prerequisites, holdbacks,
//!   exclusive ranges, conditions on flags and choices of a variant take the whole walk. None allocates.
//! * In a file without phases a share set by API is the flag's share, not an override: rules go on serving.
//!
//! # The doors
//!
//! * C, Node and Python ask [`Engine`](crate::Engine); none of them has a policy of its own. What they pass as JSON is read
//!   and written by [`wire`](crate::wire) alone.
//! * C holds handles that are numbers: generation, kind, place, slot. Slots are static; the words that decide flags, and the
//!   tables of names, lie as [mirrors](crate::mirror) in blocks that are handed on to later engines and never freed. A
//!   reader reads, and compares one tag; for a flag it lies in the word that decides it: no lock, no shared write. What needs the
//!   engine itself pins it by a record of its thread, for which `close` waits.
//! * Node's hot calls are functions that carry their handle: to unwrap `this` costs more than the flag. Strings are read as
//!   UTF-16, where a lone surrogate is seen on the way. Records wait in a queue for each thread and are told after the call
//!   that wrote them, never inside it. Who opened an engine closes it for all; who attached only leaves.
//! * Python's engines live through `fork` without a hook before it: locks belong to one process each, and a child goes on
//!   from what was decided last ([`process`](crate::process)). C's and Node's do not: a child answers flags, and opens an
//!   engine of its own for the rest.
//! * A path to a store opens the SQLite store. Closing an engine gives its lease back.
//! * Node's evaluations cross as seven numbers in a `Float64Array`, and are made objects of words and variants that were read
//!   once. A flag that the plan does not have still goes through JSON.
//!
//! # The store, and engines that share it
//!
//! Everything that is decided goes through the store's compare-and-swap of (epoch, revision). Whoever is slower reads what
//! the faster one wrote and decides anew on it; what has happened and is not stored yet is kept as what it was decided on,
//! not as what came of it. So a rollback that two nodes saw is made once, and one that was made while the store was away is
//! written on top of whatever others did in the meantime.
//!
//! - **One leads, all may lower.** The lease is for advancing, notices, actions and drops. Triggers are judged by every node,
//!   at its own evaluations and in recording calls, so that no rollback waits for a lease.
//! - **A lease lasts two evaluations and five seconds**, by the clock of whoever waits for it: the holder's beat is a number
//!   that has to move, and no two clocks are compared. On one host a holder whose process is gone is followed at once.
//! - **The holder sets observed time for all.** A follower's runs on between two beats and is never ahead of it by more than
//!   two clocks drift apart. Followers credit no wait, and a leader that takes over what another node decided counts from
//!   that moment on: random schedules found both of these as waits that were too short.
//! - **Reports are a redo log.** Each node adds what it recorded to the store at its evaluations, and within a quarter of a
//!   second where events, levels or alerts were recorded. Others merge it; a node that comes later reads the last checkpoint
//!   of the windows (every ten minutes, and after every change of shares) and replays what was reported since, to the bit.
//!   A report carries its node's own count, so that one that is sent twice is heard once.
//! - **Samples recorded under the old shares lie before the cut.** A report names the revision that its node served; one from
//!   before the last change of shares goes to the slots that end there. Arms of such samples are left out.
//! - **Samples that come more than a watched gap late are drops**: windows that lack them pass no gate. Alerts count all the
//!   same.
//! - **Of levels that are merged within ten seconds the largest is the level**; `min`, `max` and `n` see all of them.
//! - **Windows are stored slot by slot with a head.** A restore is exact, or refused; of another plan's windows nothing is
//!   taken over.
//! - **A store that is away is asked again after a second**, so that its time-outs hold up one recording call in a second at
//!   the most. The holder goes on sending notices: two sides of a partition may both send one, rather than none.
//! - **Decisions leave SQLite's log at once**, because a damaged log reads as an older state.
//! - **A child of a fork closes its copies of its parent's connections before it opens its own**, unless a thread of the
//!   parent was inside SQLite at the fork: then it goes on without its store, and says so.
//!
//! # The checker
//!
//! `rollgate check` and every other way in run the same compiler; what is an error refuses the plan, what is a warning may
//! be meant.
//!
//! - **A phase in which people are exposed and nothing can roll back is refused.** If all its triggers are manual it is a
//!   warning: somebody may want to be asked, and somebody has to be awake.
//! - **`total` is an error where it differs** from the sum of the durations. A plan that contradicts itself about its length
//!   has been edited in one place only, and nobody can say which one is right.
//! - **Control characters and lone carriage returns are refused up front**, before any reader sees them: parsers count lines
//!   by them that no editor shows, and every place in a message would be wrong.
//! - **A plan has at most 1 MiB and 131,072 values.** Reading it takes time by both, and few bytes make many values. A plan
//!   fits a Kubernetes ConfigMap, and the largest of ours has 30 KB. A trace has no such bound: it is read line by line.
//! - **Words without numbers are refused** ("sustained", "excessive") with a number that could be meant.
//!
//! # Verdict table
//!
//! `tests/spec/verdicts.toml` has conditions, what was recorded and what must be said; `folds.toml` has every combination of
//! members of groups. Where the table had to choose:
//!
//! - **`over: phase` at the instant a phase begins has no coverage.** Nothing has been watched, and nothing of nothing is
//!   not everything: it is inconclusive.
//! - **The severity of a trigger is shown and decides nothing.** Who is woken is a matter of notices, what rolls back is a
//!   matter of `mode`.
//! - **Events from a source that nobody opened prove "at least n" in a gate.** What was counted has happened; only its
//!   absence needs somebody who watched.
//!
//! # The simulator
//!
//! From one number come a random plan, traffic, people and faults, played through the public engine on a manual clock.
//!
//! - **Its oracle is independent of the judge and of the windows**: it is written from the semantics, keeps every sample by
//!   itself, and calls nothing of `judge/` or `metrics/`. Code that checks itself would agree with itself.
//! - **It may say that it does not know** (trends, comparisons, baselines, the edge of a rate); it then checks only that
//!   what happened was allowed.
//! - **Bugs are planted to see it fail.** `cargo xtask sim --planted` changes one line at a time in a copy of the
//!   sources, and each bug must be found within 2,000 seeds.
//! - **A failure is shrunk to a trace** that `rollgate replay` runs.
//!
//! # Plan files
//!
//! YAML, TOML, JSON, a [`Config`](crate::core::config::Config) and a JSON object all become one tree, and one compiler
//! reads it. The serde types say what the tree may hold: they are the source of `schema/rollgate-plan.v1.json`, and a
//! test asks the compiler at every place of a plan with every key whether both know the same keys.
//!
//! - **The fingerprint is of what is written.** It is made of the plan's own keys and values, not of what this version
//!   compiles them to, so that votes outlive an upgrade in the middle of a rollout. Comments, layout, format and the order
//!   of the format's own keys do not count; the order of flags, gates and other names does.
//! - **A limit that can never be reached is refused**: a negative latency, 200% of a ratio, 300 points.
//! - **A bare `1` is refused wherever a part is meant**, as it is for shares: `tolerance: 1` may be 1% or 100%.
//! - **A rollback to a phase with the same shares is refused**: a trigger that lowers nothing does not fire. `zero` is
//!   always a target, for an operator may have raised a flag above the plan.
//! - **A decision's rollback may not be named like another target**: `zero` means zero.
//! - **Between counts lies nothing**: `at_most: 0` and `at_least: 1` leave no band.
//! - **What is missing is placed at the name of what lacks it**; what is wrong, where it is written.
//! - **JSON is JSON**: comments and trailing commas are refused in a `.json` file, though YAML would allow them.
//! - **Anchors, aliases, merge keys and tags are refused** in YAML: the same text would mean different things to readers
//!   that know them and to those that do not.
//!
//! # Flags of other systems
//! `rollgate import` (feature `import`) turns JSON of Unleash, LaunchDarkly, GrowthBook and flagd into a plan of flags.
//!
//! - Nobody moves. Their functions are frozen under their names (`hash: unleash`, `launchdarkly`, `growthbook-1`,
//!   `growthbook-2`, `flagd`; feature `foreign-hash`) and map onto our 32-bit buckets so that `bucket < threshold(share)` is
//!   their side of every cut: position `p` of `n` parts is bucket `ceil(p * 2^32 / n)`. Shares are written rounded down to a
//!   part per million; that is exact for up to 400,000 parts, and more are noted. LaunchDarkly's sums of weights are of single
//!   precision, as in its Go, Java and Rust libraries (those in JavaScript and Python calculate in double, and may differ in
//!   one key of ten million); below 0.4 % two of its numbers may share a bucket. GrowthBook's and LaunchDarkly's digests are
//!   of UTF-8 here; GrowthBook in browsers hashes UTF-16, so keys beyond ASCII may differ from those.
//! - The last strategy, the fallthrough, the default: what is left for everybody becomes the flag's own `share`, so that a plan
//!   can go on raising it. Everything before it is a rule.
//! - A flag that is off there has a first rule for everybody that serves off (LaunchDarkly: the off variation); its other
//!   rules stay behind it, and `rollgate check` says that they are not reached. flagd's DISABLED is `enabled: false`.
//! - What is random there (stickiness `random`, no sticky field) is sticky here, with the same share. Of variants chosen by one
//!   named field that a subject lacks, it gets the first.
//! - A cut that a rule cannot say (ranges with holes, filters, namespaces, false before true, a part of a segment) is a flag of
//!   its own beside it, `FLAG.rule-2.namespace`, which the rule asks. Its description says what it was made for.
//! - Unknown operators and what cannot be said make their rule not match (`unknown:`), negated or not; of a LaunchDarkly segment
//!   only the segment's rule. A flag that cannot be read is `malformed:` with the reason; what only the compiler finds makes the
//!   flag malformed too, and the others stay whole.
//! - Every key of the source is read, or noted: what changes answers, and what is only left out (`--strict` fails on the first).
//!
//! # Deliberately absent
//!
//! No server, no sidecar and no control plane; no async twin of any call; no timer thread that correctness needs; no
//! floating point and no modulus in a flag's evaluation, but in the frozen functions of other systems; no default for "sustained", "excessive" or any other word that
//! needs a number.
