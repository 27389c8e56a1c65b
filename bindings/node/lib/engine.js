'use strict';
// The engine: flags, metrics and one rollout, in this process.

const { fileURLToPath } = require('node:url');
const native = require('./native.js');
const { expected, object, options, text } = require('./errors.js');
const { Records, silence, written } = require('./events.js');
const { Answers, Flag, value } = require('./flag.js');
const { Metric } = require('./metric.js');

const SECRET = Symbol('engine');
/** Who asks, where nobody says. */
const HOST = 'host';

/** Types of a command's fields; the engine checks what they say. */
const TYPES = Object.freeze({
  ...{ by: 'string', role: 'string', rationale: 'string', reason: 'string', override: 'string', to: 'string' },
  ...{ output: 'string', metric: 'string', title: 'string', owner: 'string', due: 'string' },
  ...{ value: 'boolean', ok: 'boolean', passed: 'number', of: 'number', run: 'number' },
});

function open(plan, given) {
  const { store, clock, at, seed, seedFromEnv, ...rest } = options(given);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw expected('options', `store, clock, at, seed or seedFromEnv, found ${unknown}`);
  if (store !== undefined && store !== null) text(store, 'store');
  if (clock !== undefined) text(clock, 'clock');
  if (seed !== undefined) object(seed, 'seed');
  if (seedFromEnv !== undefined && typeof seedFromEnv !== 'boolean') throw expected('seedFromEnv', 'a boolean');
  const asked = { ...plan, store, clock, at: instant(at), seed: seedFromEnv ? { ...process.env, ...seed } : seed };
  return new Engine(SECRET, native.open(JSON.stringify(asked)));
}

function instant(at) {
  if (at === undefined || typeof at === 'string' || typeof at === 'number') return at;
  if (at instanceof Date) return at.getTime();
  throw expected('at', 'a Date, RFC 3339, or milliseconds since the epoch');
}

class Engine extends Records {
  #handle;
  #reader;
  #places;
  #answers;
  #flags = new Map();
  #metrics = new Map();

  constructor(secret, handle) {
    if (secret !== SECRET) throw expected('new Engine', 'Engine.open(plan) or Engine.fromConfig(object) instead');
    super(handle);
    this.#handle = handle;
    this.#reader = native.reader(handle);
    this.#answers = new Answers(handle);
    this.#places = new Map(JSON.parse(native.flagNames(handle)).map((name, place) => [name, place]));
  }

  // ---- opening and closing

  static open(plan, given) {
    const path = plan instanceof URL ? fileURLToPath(plan) : text(plan, 'plan');
    return open({ plan: path }, given);
  }

  static fromConfig(config, given) {
    return open({ config: object(config, 'config') }, given);
  }

  static fromText(plan, given) {
    const { format, ...rest } = options(given);
    if (format !== undefined) text(format, 'format');
    return open({ text: text(plan, 'plan'), format }, rest);
  }

  static attach(token) {
    return new Engine(SECRET, native.attach(text(token, 'token')));
  }

  share() {
    return native.share(this.#handle);
  }

  close() {
    this[silence]();
    native.close(this.#handle);
    this.#flags.clear();
    this.#metrics.clear();
  }

  get isClosed() {
    return native.isClosed(this.#handle);
  }

  // ---- flags

  isOn(flag, key, fallback) {
    if (fallback === undefined || fallback === false) {
      const place = this.#places.get(flag);
      if (place !== undefined) return this.#reader(place, key);
    }
    return native.isOn(this.#handle, flag, key, fallback);
  }

  isOnCounted(flag, key) {
    return this.flag(flag).isOnCounted(key);
  }

  flag(name) {
    const known = this.#flags.get(name);
    if (known !== undefined) return known;
    const functions = native.flag(this.#handle, name);
    const flag = new Flag(Flag.secret, this.#answers, name, functions);
    // Names that the plan does not have may be many.
    if (functions.place !== undefined) this.#flags.set(name, flag);
    return flag;
  }

  get flags() {
    return [...this.#places.keys()];
  }

  evaluate(flag, key, attributes) {
    return this.#answers.evaluate(this.#places.get(flag), flag, key, attributes);
  }

  value(flag, key, fallback, attributes) {
    return value(this.evaluate(flag, key, attributes), fallback);
  }

  exposures() {
    return JSON.parse(native.exposures(this.#handle));
  }

  shares() {
    return JSON.parse(native.shares(this.#handle));
  }

  // ---- metrics and alerts

  metric(name) {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    const metric = new Metric(Metric.secret, name, native.metric(this.#handle, name));
    this.#metrics.set(name, metric);
    return metric;
  }

  watchAlerts() {
    native.watchAlerts(this.#handle);
  }

  openAlert(severity, id) {
    native.openAlert(this.#handle, severity, id);
    this[written]();
  }

  closeAlert(id) {
    native.closeAlert(this.#handle, id);
    this[written]();
  }

  // ---- time

  tick() {
    native.tick(this.#handle);
    this[written]();
  }

  start() {
    native.startTicker(this.#handle);
    return this;
  }

  stop() {
    native.stopTicker(this.#handle);
    return this;
  }

  nextWakeup() {
    return new Date(native.nextWakeup(this.#handle));
  }

  untilWakeup() {
    return native.untilWakeup(this.#handle);
  }

  advance(ms) {
    native.advance(this.#handle, ms);
    this[written]();
  }

  // ---- commands

  command(command) {
    object(command, 'command');
    try {
      native.command(this.#handle, JSON.stringify(command));
    } finally {
      // A refusal is journalled too.
      this[written]();
    }
  }

  #ask(command, given, fields) {
    const { by = HOST, role } = options(given);
    const asked = { command, ...fields, by, role };
    for (const [name, value] of Object.entries(asked)) {
      const type = TYPES[name];
      if (value !== undefined && type !== undefined && typeof value !== type) throw expected(name, `a ${type}`);
    }
    this.command(asked);
  }

  startRollout(given) {
    this.#ask('start', given);
  }

  check(item, given) {
    this.#ask('check', given, { item: text(item, 'item') });
  }

  acknowledge(item, given) {
    this.#ask('acknowledge', given, { item: text(item, 'item') });
  }

  attest(item, given) {
    const { value, passed, of } = options(given);
    const isPlain = value === undefined && passed === undefined && of === undefined;
    this.#ask('attest', given, { item: text(item, 'item'), value: isPlain ? true : value, passed, of });
  }

  decide(choice, given) {
    const { rationale, override, to } = options(given);
    this.#ask('decide', given, { choice: text(choice, 'choice'), rationale, override, to });
  }

  approve(proposal, given) {
    const { rationale } = options(given);
    this.#ask('approve', given, { proposal: text(proposal, 'proposal'), rationale });
  }

  dismiss(proposal, given) {
    this.#ask('dismiss', given, { proposal: text(proposal, 'proposal'), reason: options(given).reason });
  }

  setShares(shares, given) {
    for (const [flag, share] of Object.entries(object(shares, 'shares'))) {
      if (typeof share !== 'number') throw expected(`shares.${flag}`, 'a number from 0 to 1');
    }
    this.#ask('set', given, { shares, reason: options(given).reason });
  }

  release(flags, given) {
    if (!Array.isArray(flags)) throw expected('flags', 'a list of flags');
    flags.forEach((flag, place) => text(flag, `flags[${place}]`));
    this.#ask('release', given, { flags, reason: options(given).reason });
  }

  pause(given) {
    this.#ask('pause', given, { reason: options(given).reason });
  }

  resume(given) {
    this.#ask('resume', given, { reason: options(given).reason });
  }

  stopRollout(given) {
    this.#ask('stop', given, { reason: options(given).reason });
  }

  retry(given) {
    this.#ask('retry', given, { reason: options(given).reason });
  }

  captureBaseline(given) {
    this.#ask('capture_baseline', given);
  }

  reportAction(action, given) {
    const { ok, output, run } = options(given);
    this.#ask('action', given, { action: text(action, 'action'), ok, output, run });
  }

  annotate(remark, given) {
    this.#ask('annotate', given, { text: text(remark, 'text'), metric: options(given).metric });
  }

  followUp(item, given) {
    const { title, owner, due } = options(given);
    this.#ask('follow_up', given, { item: text(item, 'item'), title, owner, due });
  }

  // ---- reading

  status() {
    return JSON.parse(native.status(this.#handle));
  }

  scorecard(format, form) {
    if (format === undefined) return JSON.parse(native.scorecard(this.#handle, 'json', form));
    return native.scorecard(this.#handle, format, form);
  }

  report(name, format) {
    if (format === undefined) return JSON.parse(native.report(this.#handle, name, 'json'));
    return native.report(this.#handle, name, format);
  }

  prometheus() {
    return native.prometheus(this.#handle);
  }

  journal(afterSeq = 0) {
    return JSON.parse(native.journal(this.#handle, afterSeq));
  }
}

if (Symbol.dispose) {
  Object.defineProperty(Engine.prototype, Symbol.dispose, { value: Engine.prototype.close, writable: true, configurable: true });
}

module.exports = { Engine };
