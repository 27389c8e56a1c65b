//! What is bounded, and what rollgate cannot do.
//!
//! # Bounds
//!
//! Every bound is a constant of [`core::limits`](crate::core::limits), with its reason. Those that a plan or a program is
//! likely to meet:
//!
//! ```
//! use rollgate::core::limits::*;
//!
//! assert_eq!((FLAGS_MAX, METRICS_MAX, PHASES_MAX, STEPS_MAX), (4_096, 1_024, 64, 64));
//! assert_eq!((CONDITIONS_MAX, CONDITION_DEPTH_MAX, WITHIN_DEPTH_MAX, ARMS_MAX), (256, 16, 8, 8));
//! assert_eq!((KEY_BYTES_MAX, TEXT_BYTES_MAX, ALERT_ID_BYTES_MAX), (128, 16 << 10, 256));
//! assert_eq!((PLAN_BYTES_MAX, PLAN_DEPTH_MAX, TRACE_LINE_BYTES_MAX), (1 << 20, 64, 1 << 20));
//! assert_eq!((PLAN_VALUES_MAX, FREEZES_MAX, ACTIONS_MAX, FOLLOW_UPS_MAX), (131_072, 256, 64, 256));
//! assert_eq!((EVENT_TIMES_MAX, ALERTS_MAX, ATTESTATIONS_MAX), (4_096, 4_096, 1_024));
//! assert_eq!((NOTICES_WAITING_MAX, NOTICES_AT_ONCE, CHANNELS_MAX), (256, 32, 64));
//! // Of an action's output the end is kept; a notice is tried for a day, after 10 s at first and 15 min at last.
//! // Of an override's reason notices and scorecards repeat the beginning.
//! assert_eq!((ACTION_OUTPUT_BYTES_MAX, OVERRIDE_REASON_BYTES_MAX), (4 << 10, 512));
//! assert_eq!((NOTICE_LIFE_MS, NOTICE_WAIT_MIN_MS, NOTICE_WAIT_MAX_MS), (86_400_000, 10_000, 900_000));
//! // The longest window is 92 days; an evaluation comes every second at the most, every hour at the least.
//! assert_eq!(WINDOW_MAX_MS, 92 * 86_400_000);
//! assert_eq!((EVALUATE_EVERY_MIN_MS, EVALUATE_EVERY_MAX_MS), (1_000, 3_600_000));
//! ```
//!
//! # Known limits
//!
//! - **Without a store, one process.** An engine alone knows what its own process has measured, and forgets it at its end.
//!   On a store that processes share, "five alerts in an hour" are five of all of them.
//! - **One store, one plan.** A file holds one rollout; another plan's engine is refused.
//! - **A plan with other metrics begins with empty windows**, also where its rollout goes on: gates over a long window wait
//!   until it has been watched again.
//! - **What was recorded since the last report** (a quarter of a second where a ticker runs and events or levels were recorded,
//!   else one evaluation) is lost with a process that is killed. What was decided is not.
//! - **Two nodes that are cut off from each other** may both send a notice, and each rolls back by itself.
//! - **The journal is in memory too**, whole, for the life of the engine: its length is that of the story, not of the
//!   traffic, but a plan of years grows.
//! - **Notices are sent at least once**, never exactly once: a sink that must not repeat itself keeps the ids it has seen.
//!   Recipients' addresses are the sink's; rollgate knows channels only.
//! - **Actions are run at least once**, and not by rollgate: the host runs them. One that must not run twice has to see so
//!   itself.
//! - **Days have 24 hours** in every length of time; only times of day follow the zone. Months and years are no length.
//! - **A projection is a straight line** with an interval. It knows no season and no release.
//! - **Boolean flags.** There are no other variants and no targeting rules yet; key lists are all there is.
//! - **Nobody is authenticated.** A command's `by` is what the program says it is.
//! - **A quantile is known to 0.4 %.** Within that of a limit a gate neither passes nor does a trigger fire.
//! - **`compare` clusters subjects into 64 groups** and needs samples of both arms; at 100 % there is nobody to compare with.
//! - **No bindings, no admin API** yet.
