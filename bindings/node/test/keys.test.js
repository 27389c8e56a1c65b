'use strict';
// Keys of every length and every kind: hashed whole, or refused with a clear error.

const assert = require('node:assert/strict');
const test = require('node:test');
const { Engine, packKeys } = require('..');
const { FLAGS } = require('./setup.js');

const engine = Engine.fromConfig(FLAGS);
const flag = engine.flag('HALF');

/** The same bytes by a way that turns no string into UTF-8. */
function byBytes(key) {
  const bytes = Buffer.from(key, 'utf8');
  return flag.isOnMany(bytes, new Uint32Array([0, bytes.length]))[0] === 1;
}

function agree(key) {
  const wanted = byBytes(key);
  const shown = `${key.length} units: ${JSON.stringify(key.slice(0, 20))}`;
  assert.equal(flag.isOn(key), wanted, shown);
  assert.equal(engine.isOn('HALF', key), wanted, shown);
  assert.equal(engine.isOn('HALF', key, true), wanted || key === '', shown);
  assert.equal(flag.isOnMany([key])[0] === 1, wanted, shown);
  assert.equal(flag.evaluate(key).on, wanted, shown);
  return wanted;
}

test('keys of every length from 0 to 10,000 are hashed whole', () => {
  const ascii = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(300);
  let on = 0;
  for (let length = 0; length <= 10_000; length += 1) on += Number(agree(ascii.slice(0, length)));
  assert.ok(on > 4_000 && on < 6_000, `${on} are on`);
});

test('keys of Latin-1, of two bytes, of three and of four are UTF-8', () => {
  for (const unit of ['é', 'ß', 'ÿ', 'ж', '漢', '�', '😀', 'a😀', '\ud83d\ude00é']) {
    for (let count = 0; count <= 400; count += 1) agree(`${unit.repeat(count)}`);
    for (const count of [85, 86, 127, 128, 253, 254, 255, 256, 257]) agree(`${'a'.repeat(count)}${unit}`);
  }
});

test('what follows a NUL byte counts', () => {
  const keys = Array.from({ length: 200 }, (_, place) => `a\0${place}`);
  const answers = keys.map(agree);
  assert.ok(answers.includes(true) && answers.includes(false));
  agree('\0');
  agree('\0'.repeat(1_000));
});

test('a key of 10 MB is hashed whole', () => {
  const key = 'k'.repeat(10 * 1024 * 1024);
  const answers = Array.from({ length: 16 }, (_, place) => agree(`${key}${place}`));
  assert.ok(answers.includes(true) && answers.includes(false));
  agree('漢'.repeat(4 * 1024 * 1024));
});

test('keys that are ropes and slices are read as what they say', () => {
  let rope = '';
  for (let place = 0; place < 500; place += 1) {
    rope += `part-${place};`;
    agree(rope);
  }
  agree(rope.slice(7, 90));
});

test('a lone surrogate is a TypeError wherever it stands', () => {
  const whole = 'a'.repeat(300);
  for (const lone of ['\ud800', '\udfff', 'a\ud83d', '\ude00\ud83d', `${whole}\udc00`, `\udbff${whole}`, `�\ud800`]) {
    const calls = [
      () => flag.isOn(lone),
      () => flag.isOnCounted(lone),
      () => flag.isOnMany(['fine', lone]),
      () => flag.evaluate(lone),
      () => engine.isOn('HALF', lone),
      () => engine.isOn('HALF', lone, true),
      () => engine.isOn(lone, 'key'),
      () => engine.evaluate(lone, 'key'),
      () => engine.flag(lone),
      () => engine.metric('latency').recordFor(lone, 1),
      () => engine.metric(lone),
      () => packKeys([lone]),
    ];
    for (const call of calls) {
      assert.throws(call, (error) => {
        assert.ok(error instanceof TypeError, `${call}: ${error}`);
        assert.equal(error.code, 'ERR_INVALID_ARG_TYPE');
        assert.match(error.message, /lone surrogate/);
        return true;
      });
    }
  }
  assert.throws(() => flag.isOnMany(['fine', '\ud800']), /^TypeError: keys\[1\]/);
});

test('attributes with lone surrogates are refused too', () => {
  assert.throws(() => flag.evaluate('u', { country: '\ud800' }), { code: 'ERR_ROLLGATE_INVALID_CONTEXT', number: 304 });
});
