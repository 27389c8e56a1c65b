//! Every bound, each with its reason. Memory and time are bounded whatever a plan or a program does.

/// Flags in one plan: dense 16-bit ids, and a snapshot that still fits a processor's caches.
pub const FLAGS_MAX: usize = 4_096;
/// Metrics in one plan; each holds windows, so this bounds memory.
pub const METRICS_MAX: usize = 1_024;
/// Phases in one plan; a person has to read the table.
pub const PHASES_MAX: usize = 64;
/// Steps in one phase.
pub const STEPS_MAX: usize = 64;
/// Actions before one step.
pub const ACTIONS_MAX: usize = 64;
/// Bytes of an action's output that are kept: the last ones, in which a program says why it ended.
pub const ACTION_OUTPUT_BYTES_MAX: usize = 4_096;
/// Annotations that a state keeps for scorecards; the journal keeps all.
pub const ANNOTATIONS_KEPT: usize = 64;
/// Things to do that people may add to those of the plan.
pub const FOLLOW_UPS_MAX: usize = 256;
/// Gates, triggers or checks in one phase.
pub const CONDITIONS_MAX: usize = 256;
/// Groups inside groups: the judge recurses, and its stack is bounded by this.
pub const CONDITION_DEPTH_MAX: usize = 16;
/// Flags above each other by `within`; evaluation recurses, and its stack is bounded by this.
pub const WITHIN_DEPTH_MAX: usize = 8;
/// Flags above each other by `within`, prerequisites and conditions on flags; evaluation recurses here too.
pub const FLAG_DEPTH_MAX: usize = 32;
/// Flags that one evaluation may ask, each as often as it is asked: a few flags that ask each other twice make millions.
pub const FLAGS_ASKED_MAX: usize = 1_024;
/// Rules of one flag; they are asked in order.
pub const RULES_MAX: usize = 1_024;
/// Variants of one flag.
pub const VARIANTS_MAX: usize = 1_024;
/// Conditions of one rule, with those of the named conditions that it uses: what one evaluation may ask.
pub const TARGETS_MAX: usize = 4_096;
/// Bytes of an automaton that a regular expression becomes: evaluation neither allocates nor locks, so it is whole before
/// the first one.
pub const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Named conditions, holdbacks, or groups of exclusive flags in one plan.
pub const NAMED_MAX: usize = 4_096;
/// Freezes in one plan; each is looked at wherever something is to rise.
pub const FREEZES_MAX: usize = 256;
/// Days of a phase that a schedule may name: ten years, as the longest wait.
pub const SCHEDULE_DAYS_MAX: u16 = 3_660;
/// Roles in one plan.
pub const ROLES_MAX: usize = 256;
/// Bytes of a flag, metric, phase, gate or trigger key.
pub const KEY_BYTES_MAX: usize = 128;
/// Arms (flags) that one metric may list; each doubles what a sample touches.
pub const ARMS_MAX: usize = 8;
/// Exact timestamps kept for one event metric; older ones count in slots.
pub const EVENT_TIMES_MAX: usize = 4_096;
/// Slots that marks may add to a tier of a metric; beyond them the oldest two become one.
pub const SLOTS_BESIDE_MAX: usize = 256;
/// Samples that one call may stand for; more cannot be, and so few never overflow a counter between two evaluations.
pub const SAMPLES_AT_ONCE_MAX: u64 = 1 << 44;
/// Samples that one metric can hold; what comes after is dropped and counted, so that no sum ever overflows.
pub const SAMPLES_MAX: u64 = 1 << 62;
/// Sums of windows kept for one metric between two evaluations; beyond them the one used longest ago is made anew.
pub const SUMS_KEPT: usize = 32;
/// Names of unknown metrics that are remembered for the journal; others are counted together.
pub const UNKNOWN_NAMES_MAX: usize = 64;
/// Alerts of one severity kept, open and closed. Of more, a closed one is forgotten, or else the newest is only counted.
pub const ALERTS_MAX: usize = 4_096;
/// Bytes of an alert id.
pub const ALERT_ID_BYTES_MAX: usize = 256;
/// A gauge's values are smaller than this, up or down: 2^63, as those of a distribution.
pub const LEVEL_MAX: f64 = 9_223_372_036_854_775_808.0;
/// Nodes that a quorum may ask for.
pub const QUORUM_MAX: u16 = 1_000;
/// Shortest `every` of a source: a server that many ask is asked no more often.
pub const QUERY_EVERY_MIN_MS: u64 = 1_000;
/// Shortest and longest time for a query's answer: a tick by hand may wait for one.
pub const QUERY_TIMEOUT_MIN_MS: u64 = 100;
/// See [`QUERY_TIMEOUT_MIN_MS`].
pub const QUERY_TIMEOUT_MAX_MS: u64 = 30_000;
/// Longest window that a plan may ask for: 92 days. Slots of one hour are kept for all of it.
pub const WINDOW_MAX_MS: u64 = 92 * 86_400_000;
/// Longest wait that a plan may ask for: 10 years.
pub const SPAN_MAX_MS: u64 = 3_660 * 86_400_000;
/// Shortest `evaluate_every`: below it a judge would be busy with nothing else.
pub const EVALUATE_EVERY_MIN_MS: u64 = 1_000;
/// Longest `evaluate_every`; a trigger acts one evaluation after its window.
pub const EVALUATE_EVERY_MAX_MS: u64 = 3_600_000;
/// Bytes of a plan file: what a Kubernetes ConfigMap holds. A large plan of people has a tenth of it, and what programs
/// generate is refused before it costs time.
pub const PLAN_BYTES_MAX: usize = 1 << 20;
/// Nesting of a plan file.
pub const PLAN_DEPTH_MAX: usize = 64;
/// Values in a plan file: texts, numbers, lists and maps. Few bytes make many of them, and each costs memory and time.
pub const PLAN_VALUES_MAX: usize = 1 << 17;
/// Problems of one plan that are listed; nobody reads the thousand-and-first.
pub const PROBLEMS_MAX: usize = 1_000;
/// Bytes of one line of a trace.
pub const TRACE_LINE_BYTES_MAX: usize = 1 << 20;
/// Bytes of a rationale, a reason or an actor's name.
pub const TEXT_BYTES_MAX: usize = 16 << 10;
/// Bytes of an override's reason that notices and scorecards repeat; the journal has it whole.
pub const OVERRIDE_REASON_BYTES_MAX: usize = 512;
/// Rows of ON beside OFF that are kept, some for every day; beyond them the oldest go.
pub const CONTRASTS_MAX: usize = 512;
/// Pending proposals and votes are bounded by the plan; attestations by this many items.
pub const ATTESTATIONS_MAX: usize = 1_024;
/// Snapshots kept alive behind the published one, so that a pinned reader never frees under load.
pub const SNAPSHOTS_KEPT: usize = 64;
/// Hash buckets of subjects that a keyed comparison is clustered by (STATISTICS F6b).
pub const CLUSTERS: usize = 64;
/// Probe keys that a read-back evaluates for each flag.
pub const READ_BACK_PROBES: usize = 64;
/// Smallest exponent of two that a distribution tells from zero: 2^-32 of a unit is nothing to any unit of ours.
pub const OCTAVE_MIN: i32 = -32;
/// A distribution's values lie below two to this power; above it they cannot be measurements.
pub const OCTAVE_MAX: i32 = 63;
/// Notices that wait for their channels: a page of incidents, not a log. Beyond them the oldest that is not urgent goes.
pub const NOTICES_WAITING_MAX: usize = 256;
/// Runs of days or weeks that a notice of the calendar remembers: a clock that leaps or is set back begins another one.
pub const CALENDAR_RUNS_MAX: usize = 32;
/// Deliveries that one tick tries: evaluations come first.
pub const NOTICES_AT_ONCE: usize = 32;
/// How long a notice is tried: what is a day late is no news.
pub const NOTICE_LIFE_MS: u64 = 86_400_000;
/// The first wait after a channel failed; it doubles with every further failure.
pub const NOTICE_WAIT_MIN_MS: u64 = 10_000;
/// The longest wait for a channel that goes on failing.
pub const NOTICE_WAIT_MAX_MS: u64 = 900_000;
/// A sink that took this long ends the deliveries of a tick; the rest waits for the next one.
pub const NOTICE_SLOW_MS: u64 = 1_000;
/// Channels of one notice, and of the table.
pub const CHANNELS_MAX: usize = 64;
/// Bytes of why a delivery failed; a sink may quote a whole page of somebody's server.
pub const NOTICE_ERROR_BYTES_MAX: usize = 512;
/// How long a call of the store waits for another process that writes, in milliseconds: many times what a commit takes,
/// and no longer than a process may go without hearing of a change of shares.
pub const STORE_BUSY_MS: u64 = 250;
/// Bytes of the store's log that are kept once its content is in the file; it grows beyond them while one is long read.
pub const STORE_WAL_BYTES_KEPT: i64 = 4 << 20;
/// How long a call of a store on the network waits to be connected, and how long for bytes of the answer, in milliseconds:
/// hundreds of times what a call takes in one network, and no longer than a process may go without hearing of a change of
/// shares. Whatever takes longer is an outage.
pub const STORE_ANSWER_MS: u64 = 250;
/// Bytes that one call of a store on the network sends at most where it can be divided: a server that does one thing at a
/// time does this one in about a millisecond.
pub const STORE_CALL_BYTES: usize = 1 << 20;
/// How long windows that were sent in parts and never finished stay on a server, in milliseconds.
pub const STORE_PARTS_MS: u64 = 600_000;
/// Bytes of the name of a store: it stands in every key.
pub const STORE_NAME_BYTES_MAX: usize = 128;
/// Numbers that a script on a server tells apart: it counts in doubles. No revision, epoch or number of lines gets near it.
pub const STORE_NUMBER_MAX: u64 = 1 << 53;
