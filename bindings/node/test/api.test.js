'use strict';
// The list of what every language can do (tests/spec/api.toml): what it names is here, and what is here is in it.

const assert = require('node:assert');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const toml = require('smol-toml');
const { Engine } = require('..');

const book = toml.parse(fs.readFileSync(path.join(__dirname, '..', '..', '..', 'tests', 'spec', 'api.toml'), 'utf8'));
const named = book.call.map((row) => row.node).filter((name) => !name.startsWith('-')).map((name) => name.replace(/^=/, ''));

/** One of each class. */
function things() {
  const metrics = { latency: { kind: 'distribution', unit: 'ms' } };
  const engine = Engine.fromConfig({ version: 1, name: 'api', flags: { F: { share: '10%' } }, metrics });
  const metric = engine.metric('latency');
  return { Engine: engine, Flag: engine.flag('F'), Metric: metric, Timer: metric.time() };
}

/** Names of the functions that somebody can call on a thing, without those of Node's own classes. */
function calls(thing) {
  const names = new Set();
  for (let at = thing; at && at !== Object.prototype && at !== EventEmitter.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor' && !name.startsWith('_')) names.add(name);
    }
  }
  return [...names];
}

test('what the book names is here', () => {
  const all = things();
  assert.ok(named.length > 50);
  for (const name of named) {
    const [of, call] = name.split('.');
    const found = all[of][call] ?? (of === 'Engine' ? Engine[call] : undefined);
    assert.strictEqual(typeof found, 'function', name);
  }
  all.Engine.close();
});

test('what is here is in the book', () => {
  const all = things();
  const listed = new Set([...named, ...book.only.node]);
  for (const [of, thing] of Object.entries(all)) {
    for (const name of calls(thing)) assert.ok(listed.has(`${of}.${name}`), `${of}.${name}`);
  }
  const statics = Object.getOwnPropertyNames(Engine).filter((name) => typeof Engine[name] === 'function');
  for (const name of statics) assert.ok(listed.has(`Engine.${name}`), `Engine.${name}`);
  all.Engine.close();
});
