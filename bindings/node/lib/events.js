'use strict';
// Journal records as events: fetched when the native bell rings, or at the end of the call that wrote them.

const { EventEmitter } = require('node:events');
const native = require('./native.js');

/** Engines that somebody listens to. They live until they are closed or nobody listens. */
const listening = new Set();
let hasBell = false;

function hangBell() {
  if (hasBell) return;
  hasBell = true;
  native.setBell(() => listening.forEach((engine) => engine[deliver]()));
}

/** `rolled_back` as `rolledBack`. */
function eventOf(kind) {
  return kind.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

const deliver = Symbol('deliver');
const listen = Symbol('listen');
const written = Symbol('written');
const silence = Symbol('silence');

class Records extends EventEmitter {
  #handle;
  #records = [];
  #isDelivering = false;

  constructor(handle) {
    super();
    this.#handle = handle;
  }

  [listen]() {
    if (listening.has(this)) return;
    hangBell();
    native.listen(this.#handle);
    listening.add(this);
  }

  [silence]() {
    listening.delete(this);
  }

  /** Records may wait that the call under way has written: they come when it has returned. */
  [written]() {
    if (listening.has(this)) process.nextTick(() => this[deliver]());
  }

  [deliver]() {
    const waiting = native.heard(this.#handle);
    if (waiting !== undefined) this.#records.push(...JSON.parse(waiting));
    // A listener may give a command, whose records come after those that wait.
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      while (this.#records.length > 0) {
        const record = this.#records.shift();
        this.emit(eventOf(record.kind), record);
        this.emit('record', record);
      }
    } finally {
      this.#isDelivering = false;
      // One listener threw; the others are told all the same.
      if (this.#records.length > 0) process.nextTick(() => this[deliver]());
    }
    if (listening.has(this) && this.eventNames().length === 0) {
      listening.delete(this);
      native.deafen(this.#handle);
    }
  }

  on(event, listener) {
    super.on(event, listener);
    this[listen]();
    return this;
  }
  addListener(event, listener) {
    return this.on(event, listener);
  }
  prependListener(event, listener) {
    super.prependListener(event, listener);
    this[listen]();
    return this;
  }
}

module.exports = { Records, silence, written };
