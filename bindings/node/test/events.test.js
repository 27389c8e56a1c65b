'use strict';
// Records as events, on the thread of JavaScript.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const path = require('node:path');
const test = require('node:test');
const { Engine } = require('..');
const { FLAGS, PLAN, START } = require('./setup.js');

/** Runs a program of its own. */
function run(source) {
  const whole = `const { Engine } = require(${JSON.stringify(path.join(__dirname, '..'))});\n${source}`;
  return spawnSync(process.execPath, ['-e', whole], { encoding: 'utf8', timeout: 60_000 });
}

const open = () => Engine.fromText(PLAN, { clock: 'manual', at: START });

test('every record comes once, in order, under its kind and as a record', async () => {
  const engine = open();
  const records = [];
  const started = [];
  engine.on('record', (record) => records.push(record));
  engine.once('phaseStarted', (record) => started.push(record));
  engine.startRollout({ by: 'on_call' });
  assert.deepEqual(records, [], 'nothing is called inside a command');
  await turn();
  engine.advance(1_000);
  engine.metric('heap').record(2_000);
  engine.tick();
  await turn();
  assert.deepEqual(records, engine.journal());
  assert.ok(records.some((record) => record.kind === 'rolled_back'));
  assert.deepEqual(started.map((record) => record.kind), ['phase_started']);
  engine.close();
});

test('a listener may give commands', async () => {
  const engine = open();
  const kinds = [];
  engine.on('phaseStarted', () => engine.pause({ by: 'on_call' }));
  engine.on('record', ({ kind }) => kinds.push(kind));
  engine.startRollout({ by: 'on_call' });
  await turn();
  await turn();
  assert.deepEqual(kinds, engine.journal().map(({ kind }) => kind));
  assert.ok(kinds.includes('paused'), `${kinds}`);
  engine.close();
});

test('a listener that throws is an uncaught exception, and the others are told all the same', () => {
  const { status, stdout, stderr } = run(`
    const engine = Engine.fromText(${JSON.stringify(PLAN)}, { clock: 'manual', at: 0 });
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    engine.on('started', () => { throw new Error('mine'); });
    engine.on('phaseStarted', (record) => console.log(record.kind));
    engine.startRollout({ by: 'on_call' });
  `);
  assert.deepEqual([status, stdout, stderr], [0, 'uncaught mine\nphase_started\n', '']);
});

test('who listens no more hears nothing, and listens again from then on', async () => {
  const engine = Engine.fromConfig(FLAGS);
  const heard = [];
  const listener = (record) => heard.push(record.seq);
  engine.on('record', listener);
  engine.setShares({ NONE: 0.1 });
  await turn();
  const count = heard.length;
  assert.ok(count > 0);
  engine.off('record', listener);
  engine.setShares({ NONE: 0.2 });
  await turn();
  assert.equal(heard.length, count);
  engine.setShares({ NONE: 0.3 });
  await turn();
  engine.on('record', listener);
  engine.setShares({ NONE: 0.4 });
  await turn();
  assert.ok(heard.length > count);
  engine.close();
  await turn();
});

test('records of the ticking thread arrive without a call', async () => {
  const engine = Engine.fromText(PLAN);
  const heard = once(engine, 'stepApplied');
  engine.start();
  engine.startRollout({ by: 'on_call' });
  // A timer keeps the process alive: the events do not.
  const alive = setInterval(() => {}, 1_000);
  const [record] = await heard;
  clearInterval(alive);
  assert.equal(record.kind, 'step_applied');
  engine.stop();
  engine.stop();
  engine.close();
});

test('listeners and tickers do not keep a process alive, and its last events come', () => {
  const { status, stdout, stderr } = run(`
    const engine = Engine.fromConfig(${JSON.stringify(FLAGS)});
    engine.on('sharesChanged', (record) => console.log(record.kind));
    engine.start();
    engine.setShares({ NONE: 1 });
  `);
  assert.deepEqual([status, stdout, stderr], [0, 'shares_changed\n', '']);
});
