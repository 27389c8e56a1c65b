// rollgate for Node: progressive delivery inside the process that uses it.

/// <reference types="node" />
import { EventEmitter } from 'node:events';

/** A value that an evaluation serves. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What conditions look at: texts, numbers, truth values and lists of them. `null` and objects are no attributes. */
export interface Attributes {
  /** The subject's key, where none is given beside the attributes. */
  targetingKey?: string | null;
  [name: string]: unknown;
}

/** Why a flag gave what it gave, as OpenFeature writes it. */
export type Reason = 'STATIC' | 'SPLIT' | 'TARGETING_MATCH' | 'DISABLED' | 'ERROR';

/** Why there is no answer but the caller's default. `PROVIDER_NOT_READY`: the engine is closed. */
export type EvaluationError =
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TYPE_MISMATCH'
  | 'TARGETING_KEY_MISSING'
  | 'PROVIDER_NOT_READY';

/** The answer for one flag, and why. */
export interface Evaluation {
  /** The flag's key. */
  flag: string;
  /** Whether it serves `on`; `false` where it gives the caller's default. */
  on: boolean;
  /** The variant's name, else `on` or `off`; `null`: the caller's default. */
  variant: string | null;
  /** What it serves; `null`: the caller's default. */
  value: Json;
  reason: Reason;
  /** Set where the reason is `ERROR`. */
  error: EvaluationError | null;
  /** The subject's bucket, 0 to 2^32 - 1, where one was computed. */
  bucket: number | null;
  /** The flag's share now, from 0 to 1. */
  share: number;
  /** The version of the snapshot that answered. */
  version: number;
}

/** How often a flag was on and off in the calls that count. */
export interface Exposures {
  on: number;
  off: number;
}

/** The engine's frozen error numbers, by name. */
export declare const ErrorNumber: {
  readonly InvalidArgument: 100;
  readonly UnknownName: 101;
  readonly Io: 102;
  readonly InvalidHandle: 103;
  readonly BufferTooSmall: 104;
  readonly InvalidConfig: 200;
  readonly InvalidTrace: 201;
  readonly FlagNotFound: 300;
  readonly ParseError: 301;
  readonly TypeMismatch: 302;
  readonly TargetingKeyMissing: 303;
  readonly InvalidContext: 304;
  readonly ProviderNotReady: 305;
  readonly General: 306;
  readonly WrongMetricKind: 400;
  readonly Refused: 500;
  readonly NoPlan: 501;
  readonly BrokenJournal: 700;
  readonly StoreAway: 701;
  readonly StoreConflict: 702;
  readonly LeaseLost: 703;
  readonly StoreDamaged: 704;
  readonly StoreTooNew: 705;
  readonly Panic: 900;
};
export type ErrorKind = keyof typeof ErrorNumber;

/**
 * What the engine refuses or cannot do. Arguments of wrong types are a `TypeError` with the code `ERR_INVALID_ARG_TYPE`
 * instead.
 */
export declare class RollgateError extends Error {
  constructor(message: string, kind: ErrorKind, number: number);
  readonly name: 'RollgateError';
  /** What went wrong: `Refused`. */
  readonly kind: ErrorKind;
  /** Its frozen number: 500. */
  readonly number: number;
  /** The kind as Node writes codes: `ERR_ROLLGATE_REFUSED`. */
  readonly code: string;
}

/**
 * One flag's handle: the fast path. `isOn` and `isOnCounted` need no `this`.
 *
 * A flag that the plan does not have is always off; so is every flag of a closed engine.
 */
export declare class Flag {
  private constructor();
  readonly name: string;

  /**
   * Whether it is on for the subject; off where the flag is disabled or malformed, or the key is empty and a split needs it.
   *
   * @throws TypeError for what is no string, and for a string with a lone surrogate.
   */
  readonly isOn: (key: string) => boolean;

  /** As `isOn`, and counts the answer as an exposure; see `engine.exposures()`. */
  readonly isOnCounted: (key: string) => boolean;

  /** As `isOn`, for many keys at once: 1 is on, 0 is off. */
  isOnMany(keys: readonly string[]): Uint8Array;
  /**
   * As above, without a string a key: the bytes (UTF-8) of all keys one behind the other. Key `i` is
   * `keys.subarray(offsets[i], offsets[i + 1])`, so that there is one offset more than there are keys; `packKeys` makes both.
   *
   * @throws RollgateError InvalidArgument where an offset is below the one before it, or beyond the keys.
   */
  isOnMany(keys: Uint8Array, offsets: Uint32Array): Uint8Array;

  /** The answer, and why. */
  evaluate(key?: string | null, attributes?: Attributes | null): Evaluation;

  /** What it serves, where that is of the fallback's type; else the fallback. */
  value<T extends Json>(key: string | null | undefined, fallback: T, attributes?: Attributes | null): Widened<T>;
}

/** The type of a literal. */
export type Widened<T> = T extends boolean ? boolean : T extends number ? number : T extends string ? string : T;

/** Keys as `flag.isOnMany` takes them fastest. */
export interface PackedKeys {
  keys: Uint8Array;
  offsets: Uint32Array;
}

/**
 * Packs keys for `flag.isOnMany(keys, offsets)`.
 *
 * @throws TypeError for what is no list of well-formed strings.
 */
export declare function packKeys(keys: readonly string[]): PackedKeys;

export type MetricKind = 'distribution' | 'ratio' | 'gauge' | 'event' | 'score';

/** Records the time from its making to its end, once. */
export declare class Timer {
  private constructor();
  /** Records the time; gives it in milliseconds. A second call records nothing. */
  stop(): number;
  /** Ends it without recording. */
  discard(): void;
}
/** `using timer = metric.time()` stops it at the end of its block, where the runtime has `Symbol.dispose`. */
export interface Timer extends Disposing {}

/**
 * One metric's handle.
 *
 * A value that cannot be (NaN, infinite, of another kind of metric) is counted as invalid and enters no window. Recording
 * into a closed engine does nothing. Triggers on gauges, events and scores fire inside the recording call.
 */
export declare class Metric {
  private constructor();
  readonly name: string;
  readonly kind: MetricKind;

  /** Records a value in the metric's unit: a sample of a distribution, a gauge's new level, a rating; `count` times. */
  readonly record: (value: number, count?: number) => void;
  /** As `record`, of a subject: it counts in the arms that the flags give the subject now. */
  readonly recordFor: (key: string, value: number, count?: number) => void;
  /** Records outcomes of a ratio: how many were true, of how many. */
  readonly recordOutcomes: (trueCount: number, total: number) => void;
  readonly recordOutcomesFor: (key: string, trueCount: number, total: number) => void;
  /** Records measured points of a score. */
  readonly recordPoints: (points: number) => void;
  /** Records a time that was measured elsewhere, in milliseconds; it is turned into the metric's unit. */
  readonly recordElapsed: (ms: number, key?: string) => void;
  /** Counts events; one where no number is given. */
  readonly count: (events?: number) => void;

  /** Records one outcome of a ratio. */
  recordOutcome(isTrue: boolean): void;
  recordOutcomeFor(key: string, isTrue: boolean): void;

  /** Starts a timer. */
  time(): Timer;
  /** Records how long an action takes, and gives what it gives; of a promise, until it is settled. Failures count too. */
  time<T>(action: () => T): T;
  /** As `time`, of a subject. */
  timeFor(key: string): Timer;
  timeFor<T>(key: string, action: () => T): T;
}

/** Who asks. */
export interface By {
  /** A person, or a role that acts as itself; `host` where it is left out. */
  by?: string;
  /** The role that a person acts in. */
  role?: string;
}
export interface Reasoned extends By {
  reason?: string;
}

/** A command as a trace writes it, without its `at`. */
export interface Command {
  command: string;
  by: string;
  role?: string;
  [field: string]: unknown;
}

export type Status = 'pending' | 'running' | 'awaiting_decision' | 'paused' | 'rolled_back' | 'completed' | 'stopped';

/** Where a rollout stands. */
export interface RolloutStatus {
  plan: string;
  status: Status;
  /** The phase; while rolled back, the one that failed; `null` before the start. */
  phase: string | null;
  title: string | null;
  /** Steps of the phase that have been applied, and how many it has. */
  step: [applied: number, steps: number];
  shares: [flag: string, share: number][];
  /** Milliseconds of watched time until the gates are due; `null` while steps are missing or nothing runs. */
  due_in: number | null;
  /** Triggers whose proposals wait for an answer. */
  proposals: string[];
  /** Roles that have said go. */
  votes: string[];
  /** What waits, what is overdue, and when it ends. */
  calendar: { [field: string]: Json };
  /** The action that the next step waits for. */
  action: { [field: string]: Json } | null;
  /** Flags that may be taken out of the code, and those of them that somebody still asks for. */
  removable: string[];
  lingering: string[];
  follow_ups: { [field: string]: Json }[];
}

/** A record of the journal; each kind has fields of its own beside these. */
export interface JournalRecord {
  /** Counted from 1. */
  seq: number;
  /** When it was decided, RFC 3339. */
  at: string;
  observed: string;
  kind: RecordKind;
  plan: string;
  phase: string | null;
  status: Status;
  hash: string;
  [field: string]: Json;
}

/** Kinds of records, as the journal writes them. More may come. */
export type RecordKind = Snake<KnownEvent> | (string & {});

/** Kinds of records as events: `rolled_back` is `rolledBack`. */
export type KnownEvent =
  | 'started'
  | 'phaseStarted'
  | 'actionStarted'
  | 'actionFinished'
  | 'stepApplied'
  | 'sharesChanged'
  | 'readBack'
  | 'gatesPassed'
  | 'gatesFailed'
  | 'gatesInconclusive'
  | 'awaitingDecision'
  | 'decided'
  | 'decisionRefused'
  | 'commandRefused'
  | 'phasePassed'
  | 'extended'
  | 'triggerFired'
  | 'proposal'
  | 'proposalLapsed'
  | 'proposalDismissed'
  | 'approved'
  | 'rolledBack'
  | 'rollbackIneffective'
  | 'retryRefused'
  | 'retried'
  | 'checked'
  | 'attested'
  | 'baselineCaptured'
  | 'override'
  | 'released'
  | 'paused'
  | 'resumed'
  | 'stopped'
  | 'alertOpened'
  | 'alertClosed'
  | 'completed'
  | 'notice'
  | 'reminder'
  | 'clockJump'
  | 'restarted'
  | 'dropped';
type Snake<T extends string> = T extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : T;
/** `record` is every record. */
export type EventName = 'record' | KnownEvent | (string & {});
export type RecordListener = (record: JournalRecord) => void;

export type ScorecardForm = 'daily' | 'weekly' | 'phase' | 'final';
export type TextFormat = 'json' | 'markdown' | 'text';
export type ReportName =
  | 'plan'
  | 'summary'
  | 'overnight'
  | 'arms'
  | 'baseline'
  | 'targets'
  | 'realtime'
  | 'performance'
  | 'capacity'
  | 'hours'
  | 'projection';

/** A scorecard: what should be, and what is. */
export interface Scorecard {
  form: ScorecardForm;
  plan: string;
  phase: string;
  status: string;
  at: string;
  overall: 'PASS' | 'WARN' | 'FAIL' | 'INCONCLUSIVE' | 'SKIPPED' | 'NOT YET';
  rows: { [field: string]: Json }[];
  notes: string[];
  [field: string]: Json;
}

/** How an engine is opened. */
export interface OpenOptions {
  /**
   * The SQLite file that keeps state, journal and windows; made where there is none, and shared by all processes of a host that
   * open it. Default: in memory.
   */
  store?: string | null;
  /** `manual`: time stands still until `engine.advance(ms)`, for tests of a host program. Default: `system`. */
  clock?: 'system' | 'manual';
  /** Where a manual clock begins: a Date, RFC 3339, or milliseconds since the epoch. Default: now. */
  at?: Date | string | number;
  /** Shares to start with, by flag: `true`, `false`, `0.1`, `'10%'`. Where the plan has phases, only `false`. */
  seed?: { [flag: string]: boolean | number | string | undefined };
  /** Starts each flag at what the environment variable of its name says; `seed` goes before. */
  seedFromEnv?: boolean;
}

/** A resource that a `using` declaration ends, where the runtime has `Symbol.dispose`. */
type Disposing = SymbolConstructor extends { readonly dispose: infer D extends symbol } ? { [K in D]: () => void } : {};

/**
 * Flags, metrics and one rollout, in this process.
 *
 * It is an event emitter: every journal record is an event of its kind in camel case, and a `record`. Listeners are called
 * on the thread of JavaScript, never inside the call that wrote the record; they do not keep the process alive.
 */
export declare class Engine extends EventEmitter {
  private constructor();

  /**
   * Opens an engine with a plan file: YAML, TOML or JSON, by its extension.
   *
   * @throws RollgateError `Io` where the file cannot be read, `InvalidConfig` with all of its problems, `InvalidArgument` for
   *   options or seeds that cannot be, `StoreAway`, `StoreDamaged`, `StoreTooNew` or `BrokenJournal` for a store that cannot be
   *   used.
   */
  static open(plan: string | URL, options?: OpenOptions): Engine;
  /** As `open`, with a plan that is an object. */
  static fromConfig(config: object, options?: OpenOptions): Engine;
  /** As `open`, with a plan that is a text; YAML where no format is named. */
  static fromText(plan: string, options?: OpenOptions & { format?: 'yaml' | 'toml' | 'json' }): Engine;

  /**
   * The engine that another worker thread of this process shares: the same flags, metrics and rollout.
   *
   * @throws RollgateError `UnknownName` where no open engine is shared under this token.
   */
  static attach(token: string): Engine;
  /** A token to post to worker threads, for `Engine.attach`. */
  share(): string;

  /**
   * Closes the engine, for all threads if this one opened it, else for this thread only. It may be called at any time, while
   * others evaluate, and more than once. After it flags answer the fallback, metrics take nothing, and the rest throws.
   */
  close(): void;
  readonly isClosed: boolean;

  // ---- flags

  /**
   * Whether a flag is on for the subject; the fallback where the flag gives the caller's default: it is unknown, disabled or
   * malformed, or it needs a key and the key is empty.
   *
   * @throws TypeError for arguments of other types, and for strings with lone surrogates.
   */
  isOn(flag: string, key: string, fallback?: boolean): boolean;
  /** As `isOn` without a fallback, and counts the answer. */
  isOnCounted(flag: string, key: string): boolean;
  /** A flag's handle. */
  flag(name: string): Flag;
  /** The names of all flags, in the plan's order. */
  readonly flags: string[];
  /** The answer for one flag, and why. Without a key, the attributes' `targetingKey` is taken. */
  evaluate(flag: string, key?: string | null, attributes?: Attributes | null): Evaluation;
  /** What a flag serves, where that is of the fallback's type; else the fallback. */
  value<T extends Json>(flag: string, key: string | null | undefined, fallback: T, attributes?: Attributes | null): Widened<T>;
  /** What the counting calls of all threads have counted, by flag. */
  exposures(): { [flag: string]: Exposures };
  /** The shares that apply now, from 0 to 1, by flag. */
  shares(): { [flag: string]: number };

  // ---- metrics and alerts

  /**
   * A metric's handle. The handle of an event metric makes it live: zero events are evidence from here on.
   *
   * @throws RollgateError `UnknownName` where the plan has no such metric.
   */
  metric(name: string): Metric;
  /** From here on, no alerts are evidence that there are none. */
  watchAlerts(): void;
  /** Opens an alert; an id that is open counts once. Triggers on alerts are judged before it returns. */
  openAlert(severity: 'info' | 'warning' | 'critical', id: string): void;
  /** Closes an alert; one that is not open is left alone. */
  closeAlert(id: string): void;

  // ---- time

  /** Does what is due. */
  tick(): void;
  /** Starts a thread that ticks, so that nobody has to; it does not keep the process alive. */
  start(): this;
  /** Stops that thread. */
  stop(): this;
  /** When something may next change by itself. */
  nextWakeup(): Date;
  /** Milliseconds until then; 0 where it is due. */
  untilWakeup(): number;
  /**
   * Lets time pass on a manual clock, and does everything that is due on the way.
   *
   * @throws RollgateError `InvalidArgument` where the engine was opened with the system's clock.
   */
  advance(ms: number): void;

  // ---- commands: each throws RollgateError `Refused` with the reason, and the rollout is as it was

  /** Any command, as a trace writes it. */
  command(command: Command): void;
  /** Begins the first phase. */
  startRollout(options?: By): void;
  /** Checks an item of the phase's checklist, or of what is left to do. */
  check(item: string, options?: By): void;
  /** Says that what a reminder asked for has been done. */
  acknowledge(item: string, options?: By): void;
  /** Signs a statement; `value: false` takes it back or objects. Of a count: how many passed, of how many. */
  attest(item: string, options?: By & ({ value?: boolean } | { passed: number; of: number })): void;
  /** Decides on the phase. `override` is the reason for a go without the gates; `to` is where a rollback goes. */
  decide(
    choice: 'go' | 'no_go' | 'rollback',
    options?: By & { rationale?: string; override?: string; to?: 'zero' | 'partial' | 'full' | (string & {}) },
  ): void;
  /** Approves the rollback that a manual trigger proposes. */
  approve(proposal: string, options?: By & { rationale?: string }): void;
  /** Turns it down. */
  dismiss(proposal: string, options?: Reasoned): void;
  /** Sets shares by hand, from 0 to 1, all or nothing; above what the plan allows now, with a reason. */
  setShares(shares: { [flag: string]: number }, options?: Reasoned): void;
  /** Gives flags back to the plan; no flags are all of them. */
  release(flags: readonly string[], options?: Reasoned): void;
  /** Holds the clocks of duration, hold and soak; triggers stay live. */
  pause(options?: Reasoned): void;
  resume(options?: Reasoned): void;
  /** Turns everything off at once, until a retry. */
  stopRollout(options?: Reasoned): void;
  /** Enters again after a rollback or a stop. */
  retry(options?: Reasoned): void;
  /** Measures the baselines that are to be captured. */
  captureBaseline(options?: By): void;
  /** Reports the result of the action that a step waits for; `run` is its number in `status().action`. */
  reportAction(action: string, options: By & { ok: boolean; output?: string; run?: number }): void;
  /** Writes a remark beside the numbers. */
  annotate(text: string, options?: By & { metric?: string }): void;
  /** Adds a thing to do: by whom, and by a date or within a length of time. */
  followUp(item: string, options: By & { title?: string; owner: string; due: string }): void;

  // ---- reading

  /** Where the rollout stands. */
  status(): RolloutStatus;
  /** The scorecard of the current phase, judged now; without a form, the phase's, and the final one once it is completed. */
  scorecard(format?: undefined, form?: ScorecardForm): Scorecard;
  scorecard(format: TextFormat, form?: ScorecardForm): string;
  /** A report, of now. */
  report(name: ReportName): { [field: string]: Json };
  report(name: ReportName, format: TextFormat): string;
  /** Metrics of the rollout in Prometheus' text format. */
  prometheus(): string;
  /** The journal's records after this sequence number, oldest first. */
  journal(afterSeq?: number): JournalRecord[];

  // ---- events

  on(event: EventName, listener: RecordListener): this;
  once(event: EventName, listener: RecordListener): this;
  off(event: EventName, listener: RecordListener): this;
  addListener(event: EventName, listener: RecordListener): this;
  removeListener(event: EventName, listener: RecordListener): this;
  prependListener(event: EventName, listener: RecordListener): this;
  prependOnceListener(event: EventName, listener: RecordListener): this;
}
/** `using engine = Engine.open(plan)` closes it at the end of its block, where the runtime has `Symbol.dispose`. */
export interface Engine extends Disposing {}
