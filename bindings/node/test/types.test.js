'use strict';
// Arguments of wrong types: a TypeError from every method, never a crash, and nothing changes.

const assert = require('node:assert/strict');
const test = require('node:test');
const { Engine, Flag, Metric, packKeys } = require('..');
const { PLAN, START } = require('./setup.js');

const engine = Engine.fromText(PLAN, { clock: 'manual', at: START });
const flag = engine.flag('NEW');
const metric = engine.metric('latency');

/** Values that are no string, no number, no object, no list, no function and no boolean, by what they are. */
const VALUES = {
  undefined: undefined,
  null: null,
  boolean: true,
  number: 7,
  bigint: 7n,
  string: 'text',
  symbol: Symbol('s'),
  function: () => {},
  object: { a: 1 },
  list: [1],
  proxy: new Proxy({}, {}),
  date: new Date(0),
  bytes: new Uint8Array(3),
};
const but = (...names) => Object.entries(VALUES).filter(([name]) => !names.includes(name));
const OBJECTS = ['object', 'proxy', 'date', 'bytes'];

// Each row: a method by name, what it is called with, and the values that are fine there.
const ROWS = [
  ['flag.isOn', (value) => flag.isOn(value), ['string']],
  ['flag.isOnCounted', (value) => flag.isOnCounted(value), ['string']],
  ['flag.isOnMany', (value) => flag.isOnMany(value), ['list']],
  ['flag.isOnMany of', (value) => flag.isOnMany([value]), ['string']],
  ['flag.isOnMany packed', (value) => flag.isOnMany(value, new Uint32Array(1)), ['bytes']],
  ['flag.isOnMany offsets', (value) => flag.isOnMany(new Uint8Array(1), value), []],
  ['flag.evaluate', (value) => flag.evaluate(value), ['string', 'undefined', 'null']],
  ['flag.evaluate attributes', (value) => flag.evaluate('k', value), ['undefined', 'null', ...OBJECTS]],
  ['flag.value', (value) => flag.value(value, true), ['string', 'undefined', 'null']],
  ['engine.isOn flag', (value) => engine.isOn(value, 'k'), ['string']],
  ['engine.isOn key', (value) => engine.isOn('NEW', value), ['string']],
  ['engine.isOn unknown key', (value) => engine.isOn('NO_SUCH', value), ['string']],
  ['engine.isOn fallback', (value) => engine.isOn('NEW', 'k', value), ['boolean', 'undefined']],
  ['engine.isOnCounted', (value) => engine.isOnCounted(value, 'k'), ['string']],
  ['engine.isOnCounted key', (value) => engine.isOnCounted('NEW', value), ['string']],
  ['engine.flag', (value) => engine.flag(value), ['string']],
  ['engine.evaluate', (value) => engine.evaluate(value, 'k'), ['string']],
  ['engine.value', (value) => engine.value(value, 'k', 1), ['string']],
  ['engine.metric', (value) => engine.metric(value), []],
  ['metric.record', (value) => metric.record(value), ['number']],
  ['metric.record count', (value) => metric.record(1, value), ['number', 'undefined']],
  ['metric.recordFor', (value) => metric.recordFor(value, 1), ['string']],
  ['metric.recordFor value', (value) => metric.recordFor('k', value), ['number']],
  ['metric.recordOutcome', (value) => metric.recordOutcome(value), ['boolean']],
  ['metric.recordOutcomeFor', (value) => metric.recordOutcomeFor(value, true), ['string']],
  ['metric.recordOutcomes', (value) => metric.recordOutcomes(value, 7), ['number']],
  ['metric.recordOutcomes total', (value) => metric.recordOutcomes(1, value), ['number']],
  ['metric.recordOutcomesFor', (value) => metric.recordOutcomesFor(value, 1, 1), ['string']],
  ['metric.recordPoints', (value) => metric.recordPoints(value), ['number']],
  ['metric.recordElapsed', (value) => metric.recordElapsed(value), ['number']],
  ['metric.recordElapsed key', (value) => metric.recordElapsed(1, value), ['string', 'undefined']],
  ['metric.count', (value) => metric.count(value), ['number', 'undefined']],
  ['metric.time', (value) => metric.time(value), ['function', 'undefined']],
  ['metric.timeFor', (value) => metric.timeFor(value), ['string']],
  ['engine.openAlert', (value) => engine.openAlert(value, 'a'), []],
  ['engine.openAlert id', (value) => engine.openAlert('info', value), ['string']],
  ['engine.closeAlert', (value) => engine.closeAlert(value), ['string']],
  ['engine.advance', (value) => engine.advance(value), ['number']],
  ['engine.command', (value) => engine.command(value), OBJECTS],
  ['engine.check', (value) => engine.check(value), ['string']],
  ['engine.check options', (value) => engine.check('item', value), ['undefined', ...OBJECTS]],
  ['engine.acknowledge', (value) => engine.acknowledge(value), ['string']],
  ['engine.attest', (value) => engine.attest(value), ['string']],
  ['engine.attest value', (value) => engine.attest('item', { value }), ['boolean', 'undefined']],
  ['engine.attest passed', (value) => engine.attest('item', { passed: value, of: 1 }), ['number', 'undefined']],
  ['engine.decide', (value) => engine.decide(value), ['string']],
  ['engine.decide rationale', (value) => engine.decide('go', { rationale: value }), ['string', 'undefined']],
  ['engine.decide by', (value) => engine.decide('go', { by: value }), ['string', 'undefined']],
  ['engine.approve', (value) => engine.approve(value), ['string']],
  ['engine.dismiss', (value) => engine.dismiss(value), ['string']],
  ['engine.setShares', (value) => engine.setShares(value), ['proxy', 'date']],
  ['engine.setShares of', (value) => engine.setShares({ NEW: value }), ['number']],
  ['engine.release', (value) => engine.release(value), []],
  ['engine.release of', (value) => engine.release([value]), ['string']],
  ['engine.pause', (value) => engine.pause(value), ['undefined', ...OBJECTS]],
  ['engine.resume reason', (value) => engine.resume({ reason: value }), ['string', 'undefined']],
  ['engine.stopRollout', (value) => engine.stopRollout(value), ['undefined', ...OBJECTS]],
  ['engine.retry', (value) => engine.retry(value), ['undefined', ...OBJECTS]],
  ['engine.startRollout', (value) => engine.startRollout(value), ['undefined', ...OBJECTS]],
  ['engine.captureBaseline', (value) => engine.captureBaseline(value), ['undefined', ...OBJECTS]],
  ['engine.reportAction', (value) => engine.reportAction(value), ['string']],
  ['engine.annotate', (value) => engine.annotate(value), ['string']],
  ['engine.followUp', (value) => engine.followUp(value), ['string']],
  ['engine.scorecard', (value) => engine.scorecard(value), ['undefined', 'string']],
  ['engine.scorecard form', (value) => engine.scorecard('json', value), ['undefined', 'string']],
  ['engine.report', (value) => engine.report(value), ['string']],
  ['engine.report format', (value) => engine.report('summary', value), ['undefined', 'string']],
  ['engine.journal', (value) => engine.journal(value), ['undefined', 'number']],
  ['engine.on', (value) => engine.on('record', value), ['function']],
  ['Engine.open', (value) => Engine.open(value), ['string']],
  ['Engine.open options', (value) => Engine.open('plan.yaml', value), ['undefined', ...OBJECTS]],
  ['Engine.open store', (value) => Engine.open('plan.yaml', { store: value }), ['undefined', 'null', 'string']],
  ['Engine.open clock', (value) => Engine.open('plan.yaml', { clock: value }), ['undefined', 'string']],
  ['Engine.open at', (value) => Engine.open('plan.yaml', { at: value }), ['undefined', 'string', 'number', 'date']],
  ['Engine.open seed', (value) => Engine.open('plan.yaml', { seed: value }), ['undefined', ...OBJECTS]],
  ['Engine.open seedFromEnv', (value) => Engine.open('plan.yaml', { seedFromEnv: value }), ['undefined', 'boolean']],
  ['Engine.fromConfig', (value) => Engine.fromConfig(value), OBJECTS],
  ['Engine.fromText', (value) => Engine.fromText(value), ['string']],
  ['Engine.fromText format', (value) => Engine.fromText(PLAN, { format: value }), ['undefined', 'string']],
  ['Engine.attach', (value) => Engine.attach(value), ['string']],
  ['new Engine', (value) => new Engine(value), []],
  ['new Flag', (value) => new Flag(value), []],
  ['new Metric', (value) => new Metric(value), []],
  ['packKeys', (value) => packKeys(value), []],
  ['packKeys of', (value) => packKeys([value]), ['string']],
];

test('wrong argument types throw a TypeError with a code, from every method', () => {
  const journal = engine.journal();
  let calls = 0;
  for (const [method, call, fine] of ROWS) {
    const allowed = new Set(fine);
    if (method === 'engine.metric' || method === 'engine.openAlert') allowed.add('string');
    if (method === 'engine.setShares') allowed.add('object').add('bytes');
    if (method === 'engine.release' || method === 'packKeys') allowed.add('list');
    for (const [name, value] of but(...allowed)) {
      assert.throws(() => call(value), (error) => {
        assert.ok(error instanceof TypeError, `${method}(${name}): ${error}`);
        assert.equal(error.code, 'ERR_INVALID_ARG_TYPE', `${method}(${name})`);
        return true;
      }, `${method}(${name})`);
      calls += 1;
    }
  }
  assert.ok(calls > 800, `${calls} calls`);
  assert.deepEqual(engine.journal(), journal);
});

test('values of the right type never throw a TypeError', () => {
  for (const [method, call, fine] of ROWS) {
    // A list and an object are fine as such; what is in these is checked by rows of its own.
    for (const name of fine.filter((name) => !['list', 'object', 'bytes'].includes(name))) {
      try {
        call(VALUES[name]);
      } catch (error) {
        assert.ok(!(error instanceof TypeError), `${method}(${name}): ${error}`);
      }
    }
  }
});

test('a method of a foreign object is a TypeError', () => {
  for (const owner of [Engine, Flag, Metric]) {
    const { prototype } = owner;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const { value, get } = Object.getOwnPropertyDescriptor(prototype, name);
      const method = value ?? get;
      if (name === 'constructor' || typeof method !== 'function') continue;
      for (const foreign of [{}, Object.create(prototype), null, 7, prototype]) {
        assert.throws(() => Reflect.apply(method, foreign, ['NEW', 'k', true]), TypeError, `${owner.name}.${name}`);
      }
    }
  }
});

test('native functions refuse handles that are none', () => {
  const native = require('../lib/native.js');
  const ones = ['setErrorClass', 'setBell', 'open', 'attach', 'words', 'noop', 'noopBare'];
  for (const name of Object.keys(native).filter((name) => !ones.includes(name))) {
    for (const [what, value] of but()) {
      assert.throws(() => native[name](value, value, value, value), TypeError, `${name}(${what})`);
    }
    assert.throws(() => native[name](), TypeError, name);
  }
});
