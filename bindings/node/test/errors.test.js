'use strict';
// Errors: frozen numbers, and what a program sees of each.

const assert = require('node:assert/strict');
const test = require('node:test');
const toml = require('smol-toml');
const { Engine, ErrorNumber, RollgateError } = require('..');
const { FLAGS, PLAN, START, read } = require('./setup.js');

test('the numbers are those of the book', () => {
  const book = Object.fromEntries(toml.parse(read('errors.toml')).error.map(({ name, number }) => [name, number]));
  assert.deepEqual({ ...ErrorNumber }, book);
  assert.ok(Object.isFrozen(ErrorNumber));
});

test('each error has a class, a code, a kind, a number and a sentence', () => {
  const careful = Engine.fromText(PLAN, { clock: 'manual', at: START });
  const rows = [
    [() => Engine.open('no/such/plan.yaml'), 'Io', 'ERR_ROLLGATE_IO', /no\/such\/plan\.yaml/],
    [() => Engine.fromConfig(FLAGS, { store: '/no/such/folder/state.db' }), 'StoreAway', 'ERR_ROLLGATE_STORE_AWAY', /folder/],
    [() => Engine.fromConfig(FLAGS, { store: '' }), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /path/],
    [() => Engine.fromConfig({}), 'InvalidConfig', 'ERR_ROLLGATE_INVALID_CONFIG', /version/],
    [() => Engine.fromText('version: 1\nname: x\nflags: { A: { share: 200% } }'), 'InvalidConfig', 'ERR_ROLLGATE_INVALID_CONFIG', /flags\.A\.share/],
    [() => Engine.fromText(PLAN, { format: 'ini' }), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /yaml, toml or json/],
    [() => Engine.fromConfig(FLAGS, { at: 7 }), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /manual/],
    [() => Engine.fromConfig(FLAGS, { clock: 'sundial' }), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /clock/],
    [() => Engine.attach('17'), 'UnknownName', 'ERR_ROLLGATE_UNKNOWN_NAME', /17/],
    [() => careful.metric('no_such'), 'UnknownName', 'ERR_ROLLGATE_UNKNOWN_NAME', /latency, heap/],
    [() => careful.report('no_such'), 'UnknownName', 'ERR_ROLLGATE_UNKNOWN_NAME', /summary/],
    [() => careful.openAlert('loud', 'a'), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /critical/],
    [() => careful.openAlert('info', ''), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /bytes/],
    [() => careful.metric('heap').count(-1), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /whole number/],
    [() => careful.metric('heap').count(0.5), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /whole number/],
    [() => careful.metric('latency').recordElapsed(-1), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /ms/],
    [() => careful.journal(-1), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /afterSeq/],
    [() => careful.scorecard('pdf'), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /markdown/],
    [() => careful.scorecard('json', 'yearly'), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /weekly/],
    [() => careful.command({ command: 'fly', by: 'me' }), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /fly/],
    [() => careful.evaluate('NEW', 'u', { targetingKey: 7 }), 'InvalidContext', 'ERR_ROLLGATE_INVALID_CONTEXT', /targetingKey/],
    [() => careful.decide('go', { by: 'lead', rationale: 'now' }), 'Refused', 'ERR_ROLLGATE_REFUSED', /./],
    [() => Engine.fromConfig(FLAGS).advance(1), 'InvalidArgument', 'ERR_ROLLGATE_INVALID_ARGUMENT', /manual clock/],
  ];
  for (const [call, kind, code, says] of rows) {
    assert.throws(call, (error) => {
      assert.ok(error instanceof RollgateError && error instanceof Error, `${call}: ${error.stack}`);
      const { name, message, number } = error;
      assert.deepEqual({ kind: error.kind, code: error.code, number }, { kind, code, number: ErrorNumber[kind] }, `${call}: ${message}`);
      assert.equal(name, 'RollgateError');
      assert.match(message, says);
      return true;
    });
  }
});

test('a refused command is journalled and changes nothing', () => {
  const engine = Engine.fromText(PLAN, { clock: 'manual', at: START });
  const shares = engine.shares();
  assert.throws(() => engine.setShares({ NEW: 1 }), { code: 'ERR_ROLLGATE_REFUSED', number: 500 });
  assert.deepEqual(engine.shares(), shares);
  assert.equal(engine.journal().at(-1).kind, 'command_refused');
});
