//! At three in the morning: what a status means, how to read a record, and what to do.
//!
//! Commands stand as a program calls them and as a trace writes them (`rollgate replay`). Each is journalled with who gave
//! it; a refused one too, with why.
//!
//! # First
//!
//! Everything off, now, from any status: it needs no role and no reason, and waits for no store.
//!
//! ```text
//! engine.stop("ann", "checkout fails")
//! {"at":"2026-01-22T03:12:00Z","command":"stop","by":"ann","reason":"checkout fails"}
//! ```
//!
//! One flag down, the rest as it is: lowering is always allowed, and the plan does not raise the flag again until
//! `release`.
//!
//! ```text
//! engine.set_shares("ann", &[("NEW_SEARCH", Share::ZERO)], "")
//! {"at":"2026-01-22T03:12:00Z","command":"set","shares":{"NEW_SEARCH":0},"by":"ann","reason":"search fails"}
//! {"at":"2026-01-22T09:00:00Z","command":"release","flags":["NEW_SEARCH"],"by":"ann"}
//! ```
//!
//! # Five commands
//!
//! Where the rollout lives in a store, whoever runs the plan, from any shell of that host; `ROLLGATE_STORE` and
//! `ROLLGATE_BY` stand for `--store` and `--by`. The store keeps the plan's text, so that no plan need be named.
//!
//! ```text
//! rollgate status --store rollout.db                     where it stands, what it waits for, who leads it
//! rollgate journal --store rollout.db --follow           what happened, and happens
//! rollgate stop --store rollout.db --by ann              everything off, now; needs neither name nor reason
//! rollgate set NEW_SEARCH=0% --store rollout.db --by ann one flag down, the rest as it is
//! rollgate scorecard --store rollout.db                  what the gates say
//! ```
//!
//! `status`, `flags`, `scorecard` and `journal` write nothing. Commands of people are read by the programs on the store at
//! their next look; each answer says the new status and the shares. Exit code 1 is a refusal, with how to mend it; 3 is a
//! store that is missing, away, damaged or of a later version: then tell the programs directly. `nobody leads it` means that
//! no program advances the plan and nobody judges its triggers: start the program, or `rollgate run --store rollout.db`.
//! `rollgate journal verify` says whether every record is as it was written.
//!
//! # What the status means
//!
//! [`Engine::status`](crate::Engine::status) gives it, and every journal record carries it.
//!
//! | status | what happens | what you do |
//! | --- | --- | --- |
//! | `pending` | nothing; the plan waits | `start` |
//! | `running` | steps are applied one an evaluation, gates wait until they are due (`due_in`), triggers are live; what rises waits where the calendar is closed (`calendar.waiting`) | nothing; `pause` holds the clocks |
//! | `awaiting_decision` | gates go on being judged, triggers are live, nothing advances; a last `go` may wait for the calendar | read the scorecard; `decide` `go`, `no_go` or `rollback` |
//! | `paused` | duration, hold and soak stand still; triggers are live. By a person, or by an action that failed | `resume`, which runs a failed action again |
//! | `rolled_back` | lower shares apply, nothing rises; the triggers of the phase whose shares apply are live | find the cause, `attest` what the contingency requires, wait for its `hold`, `retry` |
//! | `stopped` | every flag of the plan is off, above lists and overrides | `retry`, once what an earlier rollback requires is met |
//! | `completed` | the shares stay, the last phase's triggers are live | check off `follow_ups`; take out what is `removable` |
//!
//! # Reading a record
//!
//! A record says what happened (`kind`), when by the calendar (`at`) and by watched time (`observed`), in which phase, and
//! where the rollout stands after it. `rollgate replay .. --format text` writes it for people.
//!
//! - `trigger_fired` has the finding: its `sentence` is what to read first, such as `p95(injection_latency) over 1m is
//!   612 ms, above 500 ms for 10m10s (since 10:14:20), n=5400`. `evidence` has value, limit, window, `n`, coverage, drops.
//!   In a trigger's finding `PASS` means that its condition holds.
//! - `rolled_back` says where `to`, by which `triggers`; the `shares_changed` after it names the flags that changed.
//! - `read_back` is the proof: probe keys asked through the public path. `ok: false` is a defect of rollgate; stop and
//!   report it.
//! - `gates_failed` and `gates_inconclusive` have the finding of every gate. `FAIL` is evidence against; `INCONCLUSIVE` is
//!   a lack of evidence, and its `cause` says which: `no_data`, `too_few_samples`, `coverage`, `no_baseline`, `drops`,
//!   `undecided`, `unattested`, `not_yet`.
//! - `dropped` counts samples that could not be, or that came for a metric that the plan does not have (`metric` names it).
//!
//! - `held` says what waits for the calendar, until when and why; once, however long it takes. `go_voided` says that a `go`
//!   which waited counts no more.
//! - `reminder` with `missed: true` is one that nobody acknowledged in time; with `overdue: true` it is an item of the
//!   checklist that is not checked and is due; `skipped` is how many came while nobody watched.
//! - `action_started` and `action_finished` are the actions before a step; `why` says what a failure was.
//! - `notice` says what became of a message: `delivered`, after how many `attempts`, with which `error`.
//!
//! # After a rollback
//!
//! 1. `status()`: which phase failed, which shares apply.
//! 2. `retry` once: it is refused, and `retry_refused` lists everything that is missing.
//! 3. `{"command":"attest","item":"root_cause","by":"lead","value":true}` for each item. An objection (`"value":false`)
//!    stands until the same person takes it back.
//! 4. `retry` after the contingency's `hold`. It enters the phase after the one whose shares apply, for its full duration.
//!
//! # `rollback_ineffective`
//!
//! The trigger is still true after the rollback has had time to help (`settle`). The flags are probably not the cause: a
//! full disk, a dead dependency. rollgate says so once and does not go lower by itself. Look elsewhere; `stop` if in doubt.
//!
//! # A proposal waits
//!
//! A manual trigger asks and does nothing. It blocks steps, advances and the last `go` until it is answered, or until its
//! condition has been clear for as long as it took to fire.
//!
//! ```text
//! {"command":"approve","proposal":"latency_degraded","by":"lead","rationale":"users complain"}
//! {"command":"dismiss","proposal":"latency_degraded","by":"lead","reason":"a load test"}
//! ```
//!
//! # The phase does not go on
//!
//! | what you see | why | what helps |
//! | --- | --- | --- |
//! | `NOT YET` and a due time | duration, soak or a window is not over | waiting |
//! | `INCONCLUSIVE`, `coverage` | the process was away, or the metric was silent for longer than `max_gap` | waiting until the window is watched again; `go` with an override |
//! | `INCONCLUSIVE`, `no_data` on an event metric | nobody opened its handle since the start of the process | open it at the start |
//! | `INCONCLUSIVE`, `drops` | a sample in the window could not be | mend the caller; wait until the window has passed it |
//! | steps stand still | a `hold`, an `only_if`, an action, a closed calendar, a pending proposal, or a store that is away | the journal's last records say which of them |
//!
//! `{"command":"decide","choice":"go","by":"lead","rationale":"..","override":"why the gates do not count"}` goes on
//! without the gates; it needs the same signatures, and stands in the journal, in notices and in scorecards as what it is.
//!
//! # The calendar is closed
//!
//! `status().calendar.waiting`, the scorecard's last lines and the journal's `held` say what waits and when it opens. What
//! lowers is never held up. Three things to know:
//!
//! - A last `go` waits with it. The gates are judged anew as it opens; where they do not pass, where a proposal is pending,
//!   or where somebody has paused, stopped, rolled back or edited the plan, `go_voided` says so and people decide again.
//! - A `go` with an override lets in the next phase and its first step at once; its further steps wait.
//! - By hand: `set` above what applies needs a reason; a `retry`, and a `release` that would raise, are refused until it
//!   opens.
//!
//! # An action failed
//!
//! The rollout is paused, with the action and its output in `action_finished`; what is exposed stays exposed. Mend the
//! cause; `resume` runs that action again, and none that has succeeded. Where a person runs it, its result is reported:
//!
//! ```text
//! {"at":"2026-01-19T10:00:00Z","command":"resume","by":"ann","reason":"the disk has room"}
//! {"at":"2026-01-19T10:04:00Z","command":"action","action":"backup","ok":true,"output":"ok","by":"ann"}
//! ```
//!
//! Without a result within its `timeout` (10 minutes unless written; from the evaluation by which the host was asked) it has
//! failed; a result that comes after that is refused.
//!
//! # Reminders and overdue work
//!
//! `status().calendar` has `reminders` that wait, and the `checklist` with what `is_overdue`; `status().follow_ups` has
//! what is left after the rollout. None of them changes a share: a checklist keeps a phase from passing only where a gate
//! asks for it (`checklist: complete`).
//!
//! ```text
//! {"at":"2026-01-20T09:10:00Z","command":"acknowledge","item":"morning","by":"on_call"}
//! {"at":"2026-01-20T09:20:00Z","command":"check","item":"training","by":"lead"}
//! ```
//!
//! # Notices do not arrive
//!
//! The `notice` records say why. `no sink for this channel`: the program serves none of that name. A sink that failed is
//! asked again after 10 s, 20 s and so on up to 15 minutes, and given up after a day; its whole channel rests meanwhile,
//! urgent notices first when it wakes. A sink that panicked is not asked again with the same notice. What is owed lies in
//! the rollout's state, so that a restart with a mended sink sends it.
//!
//! `rollgate notify plan.yaml --webhook-file FILE` tries an address: it posts every notice, marked as a test. The address of
//! a webhook is a secret; it stands in that file, or with `--webhook-env` in the environment variable `ROLLGATE_WEBHOOK`
//! (`--webhook-env=NAME` for another), because a command line is seen by others. Messages show its host alone.
//!
//! # How it stands
//!
//! | question | answer |
//! | --- | --- |
//! | how it stands this morning | [`summary`](crate::Engine::summary): a few lines, also of last night's alerts |
//! | the rows of the day, the week, the decision, the end | [`scorecard`](crate::Engine::scorecard) with `Daily`, `Weekly`, `Phase`, `Final` |
//! | the last minutes, hours and days, capacity, hours of the day, ON against OFF, targets | [`report`](crate::Engine::report) |
//! | where capacity is in half a year | the report `Projection`: three days of samples at the least, with its interval |
//! | for a Prometheus server | [`prometheus`](crate::Engine::prometheus) |
//! | after the fact, from a trace | `rollgate replay plan.yaml --trace trace.jsonl --report summary --scorecard md --form weekly` |
//!
//! The daily scorecard is journalled at `daily.at` too (`daily_scorecard`); `daily` and `weekly` notices are sent at that
//! time.
//!
//! # The store is away
//!
//! Flags go on being served. Nothing rises: `start`, `go` and `retry` give [`StoreAway`](crate::core::error::ErrorKind),
//! and steps wait. What falls, falls at once, and is written when the store is back. There is nothing to do but to bring
//! the store back. `status().store` says since when it has been away, what it said last, and how many records wait for it.
//!
//! # Several processes
//!
//! `status().store` of any of them says which role it has, the epoch, and how many nodes report. `restarted` in the journal
//! says that another node or process went on, and how long nobody did. A node that is `follower` and sees no leader for two
//! evaluations and five seconds takes the lease by itself.
//!
//! # Clocks and restarts
//!
//! `clock_jump` says that somebody set the calendar, `restarted` that the process came back. Neither fires, passes or
//! shortens anything; time that nobody watched is missing from the waits and from the windows' coverage, so that gates
//! over a long window wait longer. After a restart event metrics and alerts are live only once their handles are opened.
//!
//! # Before a phase
//!
//! - `rollgate rehearse plan.yaml`: every trigger fires, and each rollback lowers what you expect; with `--run-actions` the
//!   actions before steps are run too.
//! - `rollgate notices plan.yaml`: who will be told what, and when.
//! - `rollgate check plan.yaml --strict` and `rollgate matrix plan.yaml`: no problem, and the shares that you expect.
//! - `engine.status()`: the status and the phase that you expect, and no proposal.
//! - `engine.scorecard(Form::Phase)`: every row says something; a row without data now has none later either.
//! - Whoever signs is at hand, and knows the command.
