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

function evaluate(handle, name, key, attributes) {
  const written = attributes === undefined || attributes === null ? undefined : JSON.stringify(object(attributes, 'attributes'));
  const answer = native.evaluate(handle, name, key === null ? undefined : key, written);
  return answer === undefined ? closedEvaluation(name) : JSON.parse(answer);
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
  #handle;
  #isOnMany;

  constructor(secret, handle, name, functions) {
    if (secret !== Flag.secret) throw expected('new Flag', 'engine.flag(name) instead');
    this.#handle = handle;
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
    return evaluate(this.#handle, this.name, key, attributes);
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

module.exports = { Flag, evaluate, packKeys, value };
