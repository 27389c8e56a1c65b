'use strict';
// Errors: one class, one frozen number for each meaning.

const native = require('./native.js');

/** The frozen numbers, by name; `tests/spec/errors.toml` holds the same. */
const ErrorNumber = Object.freeze({
  InvalidArgument: 100,
  UnknownName: 101,
  Io: 102,
  InvalidHandle: 103,
  BufferTooSmall: 104,
  InvalidConfig: 200,
  InvalidTrace: 201,
  FlagNotFound: 300,
  ParseError: 301,
  TypeMismatch: 302,
  TargetingKeyMissing: 303,
  InvalidContext: 304,
  ProviderNotReady: 305,
  General: 306,
  WrongMetricKind: 400,
  Refused: 500,
  NoPlan: 501,
  BrokenJournal: 700,
  StoreAway: 701,
  StoreConflict: 702,
  LeaseLost: 703,
  StoreDamaged: 704,
  StoreTooNew: 705,
  Panic: 900,
});

class RollgateError extends Error {
  constructor(message, kind, number) {
    super(message);
    this.kind = kind;
    this.number = number;
    this.code = `ERR_ROLLGATE_${kind.replace(/(?<=.)[A-Z]/g, '_$&').toUpperCase()}`;
  }
}
Object.defineProperty(RollgateError.prototype, 'name', { value: 'RollgateError', configurable: true, writable: true });

native.setErrorClass(RollgateError);

/** A `TypeError` as Node's own functions and the native ones throw it. */
function expected(what, wanted) {
  const error = new TypeError(`${what}: expected ${wanted}`);
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

function text(value, what) {
  if (typeof value !== 'string') throw expected(what, 'a string');
  return value;
}

function object(value, what) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw expected(what, 'an object');
  return value;
}

/** Options that may be left out. */
function options(value, what = 'options') {
  return value === undefined ? {} : object(value, what);
}

function callable(value, what) {
  if (typeof value !== 'function') throw expected(what, 'a function');
  return value;
}

module.exports = { ErrorNumber, RollgateError, callable, expected, object, options, text };
