'use strict';
// Flags: every way of asking gives the answer that Rust gives.

const assert = require('node:assert/strict');
const test = require('node:test');
const toml = require('smol-toml');
const { Engine, packKeys } = require('..');
const { FLAGS, read } = require('./setup.js');
const { runVectors } = require('./vectors.js');

test('the vectors of bucketing hold by every way of asking', () => {
  const { vectors } = JSON.parse(read('bucketing.json'));
  assert.ok(vectors.length >= 200);
  assert.deepEqual(runVectors(vectors), { held: vectors.length, of: vectors.length, first: undefined });
});

test('every case of the book of evaluation gives what it says', () => {
  let cases = 0;
  for (const plan of toml.parse(read('evaluation.toml')).plan) {
    const engine = Engine.fromText(plan.text);
    for (const wanted of plan.case) {
      const { flag, key, attributes } = wanted;
      const found = engine.evaluate(flag, key, attributes);
      const says = JSON.stringify({ wanted, found });
      assert.equal(found.flag, flag);
      assert.equal(found.on, wanted.on === true, says);
      assert.equal(found.variant === null, wanted.on === 'default', says);
      assert.equal(found.error ?? found.reason, wanted.reason, says);
      if (wanted.variant !== undefined) assert.equal(found.variant, wanted.variant, says);
      if (wanted.value !== undefined) assert.deepEqual(found.value, JSON.parse(wanted.value), says);
      assert.deepEqual(engine.flag(flag).evaluate(key, attributes), found);
      assert.deepEqual(engine.evaluate(flag, undefined, { ...attributes, targetingKey: key ?? null }), found);
      if (attributes === undefined) {
        const asked = key ?? '';
        for (const fallback of [false, true, undefined]) {
          const on = wanted.on === 'default' ? fallback === true : wanted.on;
          assert.equal(engine.isOn(flag, asked, fallback), on, says);
        }
        assert.equal(engine.flag(flag).isOn(asked), wanted.on === true, says);
        assert.deepEqual([...engine.flag(flag).isOnMany([asked])], [wanted.on === true ? 1 : 0], says);
      }
      cases += 1;
    }
    engine.close();
  }
  assert.ok(cases > 50, `${cases} cases`);
});

test('a batch answers as single calls do, in both of its forms', () => {
  const engine = Engine.fromConfig(FLAGS);
  const flag = engine.flag('HALF');
  const keys = Array.from({ length: 5000 }, (_, place) => `user-${place}-${'ü'.repeat(place % 3)}`);
  const one = keys.map((key) => Number(flag.isOn(key)));
  assert.ok(one.includes(0) && one.includes(1));
  assert.deepEqual([...flag.isOnMany(keys)], one);
  const packed = packKeys(keys);
  const answers = flag.isOnMany(packed.keys, packed.offsets);
  assert.ok(answers instanceof Uint8Array);
  assert.deepEqual([...answers], one);
  assert.deepEqual([...flag.isOnMany(Buffer.from(packed.keys), packed.offsets)], one);
  const shared = new Uint8Array(new SharedArrayBuffer(packed.keys.length));
  shared.set(packed.keys);
  assert.deepEqual([...flag.isOnMany(shared, packed.offsets)], one);
  assert.deepEqual([...flag.isOnMany([])], []);
  assert.deepEqual([...flag.isOnMany(new Uint8Array(), new Uint32Array())], []);
  assert.deepEqual([...flag.isOnMany(new Uint8Array(), new Uint32Array([0, 0]))], [0]);
  assert.deepEqual([...engine.flag('NO_SUCH').isOnMany(keys)], keys.map(() => 0));
});

test('a batch refuses offsets that do not fit, and says which', () => {
  const flag = Engine.fromConfig(FLAGS).flag('HALF');
  for (const [offsets, place] of [[[0, 5], 1], [[0, 2, 1], 2], [[9, 9], 1]]) {
    assert.throws(() => flag.isOnMany(new Uint8Array(4), new Uint32Array(offsets)), (error) => {
      assert.equal(error.code, 'ERR_ROLLGATE_INVALID_ARGUMENT');
      assert.match(error.message, new RegExp(`^offsets\\[${place}\\]`));
      return true;
    });
  }
});

test('a list that closes the engine while it is read does no harm', () => {
  const engine = Engine.fromConfig(FLAGS);
  const keys = ['a', 'b', 'c'];
  Object.defineProperty(keys, 1, {
    get() {
      engine.close();
      return 'b';
    },
  });
  assert.equal(engine.flag('ALL').isOnMany(keys).length, 3);
  const thrower = ['a', 'b'];
  Object.defineProperty(thrower, 1, {
    get() {
      throw new RangeError('mine');
    },
  });
  assert.throws(() => Engine.fromConfig(FLAGS).flag('ALL').isOnMany(thrower), new RangeError('mine'));
});

test('values come with their types, or the fallback does', () => {
  const engine = Engine.fromConfig(FLAGS);
  assert.equal(engine.value('SIZE', 'u', 1), 10);
  assert.equal(engine.value('SIZE', 'u', 'text'), 'text');
  assert.equal(engine.flag('ALL').value('u', false), true);
  assert.equal(engine.value('NO_SUCH', 'u', 'text'), 'text');
});

test('counted answers are counted', () => {
  const engine = Engine.fromConfig(FLAGS);
  const on = Array.from({ length: 100 }, (_, place) => engine.flag('HALF').isOnCounted(`k${place}`)).filter(Boolean);
  assert.equal(engine.isOnCounted('ALL', 'k'), true);
  assert.deepEqual(engine.exposures().HALF, { on: on.length, off: 100 - on.length });
  assert.deepEqual(engine.exposures().ALL, { on: 1, off: 0 });
  assert.equal(engine.isOnCounted('NO_SUCH', 'k'), false);
});

test('a handle needs no object behind it', () => {
  const engine = Engine.fromConfig(FLAGS);
  const { isOn } = engine.flag('ALL');
  assert.equal(isOn('u'), true);
  assert.equal(Reflect.apply(isOn, { isOn: 1 }, ['u']), true);
  assert.equal(engine.flag('ALL'), engine.flag('ALL'));
  assert.deepEqual(engine.flags, Object.keys(FLAGS.flags));
});
