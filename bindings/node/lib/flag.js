'use strict';
// One flag's handle.

const native = require('./native.js');
const { expected, object, text } = require('./errors.js');

/** What an engine answers that is closed. */
function closedEvaluation(flag) {
  return {
    flag,
    on: false,
    variant: null,
    value: null,
    reason: 'ERROR',
    error: 'PROVIDER_NOT_READY',
    bucket: null,
    share: 0,
    version: 0,
  };
}

/** What the numbers of an evaluation stand for. */
const { reasons: REASONS, errors: ERRORS } = JSON.parse(native.words());

/** Where the native evaluator writes its numbers. They are read before anybody else can ask. */
const numbers = new Float64Array(new ArrayBuffer(56));

/** Evaluations of one engine's flags. */
class Answers {
  #handle;
  #evaluator;
  /** What each flag's variants serve; read when it is first asked. */
  #variants = [];

  constructor(handle) {
    this.#handle = handle;
    this.#evaluator = native.evaluator(handle);
  }

  /** Of the flag at a place; `undefined` for one that the plan does not have. */
  evaluate(place, flag, key, attributes) {
    const context = attributes === undefined || attributes === null ? undefined : JSON.stringify(object(attributes, 'attributes'));
    const targetingKey = key === null ? undefined : key;
    if (place === undefined) {
      const answer = native.evaluate(this.#handle, flag, targetingKey, context);
      return answer === undefined ? closedEvaluation(flag) : JSON.parse(answer);
    }
    if (this.#evaluator(place, targetingKey, context, numbers) === undefined) return closedEvaluation(flag);
    const side = numbers[0];
    const error = numbers[3];
    const bucket = numbers[4];
    const evaluation = {
      flag,
      on: side === 1,
      variant: side === 1 ? 'on' : side === 0 ? 'off' : null,
      value: side < 0 ? null : side === 1,
      reason: REASONS[numbers[2]],
      error: error < 0 ? null : ERRORS[error],
      bucket: bucket < 0 ? null : bucket,
      share: numbers[5],
      version: numbers[6],
    };
    const served = numbers[1];
    const variants = this.#variants[place] ?? this.#read(place);
    // Another thread has closed the engine in between.
    if (variants === undefined) return closedEvaluation(flag);
    if (variants !== SIDES) serve(evaluation, variants[served]);
    return evaluation;
  }

  #read(place) {
    const written = native.variants(this.#handle, place);
    if (written === undefined) return undefined;
    const variants = JSON.parse(written);
    this.#variants[place] = variants === null ? SIDES : variants.map(servedBy);
    return this.#variants[place];
  }
}

/** Of a flag without variants: its sides are what it serves. */
const SIDES = [];

/** An object or a list is made anew for everybody, who may change it. */
function servedBy({ key, value }) {
  return { key, value, text: value !== null && typeof value === 'object' ? JSON.stringify(value) : undefined };
}

function serve(evaluation, variant) {
  if (variant === undefined) {
    evaluation.value = null;
    return;
  }
  evaluation.variant = variant.key;
  evaluation.value = variant.text === undefined ? variant.value : JSON.parse(variant.text);
}

/** The value, where the flag serves one of the fallback's type. */
function value(evaluation, fallback) {
  const found = evaluation.value;
  return found !== null && typeof found === typeof fallback ? found : fallback;
}

/** Memory that no other thread writes while it is read. */
function still(array) {
  const isShared = ArrayBuffer.isView(array) && array.buffer instanceof SharedArrayBuffer;
  return isShared ? array.slice() : array;
}

class Flag {
  #answers;
  #place;
  #isOnMany;

  constructor(secret, answers, name, functions) {
    if (secret !== Flag.secret) throw expected('new Flag', 'engine.flag(name) instead');
    this.#answers = answers;
    this.#place = functions.place;
    this.#isOnMany = functions.isOnMany;
    this.name = name;
    // Native functions of this flag's own: the fast path. They need no `this`.
    this.isOn = functions.isOn;
    this.isOnCounted = functions.isOnCounted;
  }

  isOnMany(keys, offsets) {
    return this.#isOnMany(still(keys), still(offsets));
  }

  evaluate(key, attributes) {
    return this.#answers.evaluate(this.#place, this.name, key, attributes);
  }

  value(key, fallback, attributes) {
    return value(this.evaluate(key, attributes), fallback);
  }
}
Object.defineProperty(Flag, 'secret', { value: Symbol('flag'), enumerable: false });

const LONE_SURROGATE = /\p{Surrogate}/u;
const encoder = new TextEncoder();

/** Keys one behind the other, as `flag.isOnMany` takes them fastest. */
function packKeys(keys) {
  if (!Array.isArray(keys)) throw expected('keys', 'a list of strings');
  const offsets = new Uint32Array(keys.length + 1);
  let room = 0;
  keys.forEach((key, place) => {
    text(key, `keys[${place}]`);
    if (LONE_SURROGATE.test(key)) {
      throw expected(`keys[${place}]`, 'a well-formed string, found one with a lone surrogate');
    }
    room += Buffer.byteLength(key);
    if (room > 0xffff_ffff) throw new RangeError('keys: more than 4 GiB do not fit into one batch');
    offsets[place + 1] = room;
  });
  const bytes = new Uint8Array(room);
  keys.forEach((key, place) => encoder.encodeInto(key, bytes.subarray(offsets[place], offsets[place + 1])));
  return { keys: bytes, offsets };
}

module.exports = { Answers, Flag, packKeys, value };
