'use strict';
// One metric's handle, and its timers.

const { performance } = require('node:perf_hooks');
const { callable, expected, text } = require('./errors.js');

class Timer {
  #record;
  #key;
  #from = performance.now();

  constructor(record, key) {
    this.#record = record;
    this.#key = key;
  }

  /** Records the time once; what it was, in milliseconds. */
  stop() {
    const ms = performance.now() - this.#from;
    const record = this.#record;
    this.#record = undefined;
    if (record !== undefined) record(ms, this.#key);
    return ms;
  }

  /** Ends it without recording. */
  discard() {
    this.#record = undefined;
  }
}

class Metric {
  #elapsed;

  constructor(secret, name, functions) {
    if (secret !== Metric.secret) throw expected('new Metric', 'engine.metric(name) instead');
    this.name = name;
    this.kind = functions.kind;
    // Native functions of this metric's own.
    this.record = functions.record;
    this.recordFor = functions.recordFor;
    this.recordOutcomes = functions.recordOutcomes;
    this.recordOutcomesFor = functions.recordOutcomesFor;
    this.recordPoints = functions.recordPoints;
    this.recordElapsed = functions.recordElapsed;
    this.count = functions.count;
    this.#elapsed = functions.recordElapsed;
  }

  recordOutcome(isTrue) {
    this.recordOutcomes(outcome(isTrue), 1);
  }

  recordOutcomeFor(key, isTrue) {
    this.recordOutcomesFor(key, outcome(isTrue), 1);
  }

  time(action) {
    return timed(new Timer(this.#elapsed, undefined), action);
  }

  timeFor(key, action) {
    return timed(new Timer(this.#elapsed, text(key, 'key')), action);
  }
}
Object.defineProperty(Metric, 'secret', { value: Symbol('metric'), enumerable: false });

function outcome(isTrue) {
  if (typeof isTrue !== 'boolean') throw expected('outcome', 'a boolean');
  return isTrue ? 1 : 0;
}

/** The timer, or what the action gives: at once, or when its promise is settled. The time counts though it fails. */
function timed(timer, action) {
  if (action === undefined) return timer;
  callable(action, 'action');
  let given;
  try {
    given = action();
  } catch (error) {
    timer.stop();
    throw error;
  }
  if (given !== null && typeof given === 'object' && typeof given.then === 'function') {
    return Promise.resolve(given).finally(() => timer.stop());
  }
  timer.stop();
  return given;
}

if (Symbol.dispose) {
  Object.defineProperty(Timer.prototype, Symbol.dispose, { value: Timer.prototype.stop, writable: true, configurable: true });
}

module.exports = { Metric, Timer };
