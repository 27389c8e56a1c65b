'use strict';
// Closing, and what ten thousand engines leave behind.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { setImmediate: turn } = require('node:timers/promises');
const path = require('node:path');
const test = require('node:test');
const { Engine } = require('..');
const { FLAGS, root } = require('./setup.js');

test('a closed engine answers the fallback, records nothing, and refuses commands', async () => {
  const engine = Engine.fromConfig(FLAGS);
  const flag = engine.flag('ALL');
  const metric = engine.metric('latency');
  const heard = [];
  engine.on('record', (record) => heard.push(record));
  assert.equal(flag.isOn('u'), true);
  engine.close();
  engine.close();
  assert.equal(engine.isClosed, true);
  assert.equal(flag.isOn('u'), false);
  assert.equal(flag.isOnCounted('u'), false);
  assert.deepEqual([...flag.isOnMany(['u', 'v'])], [0, 0]);
  assert.equal(engine.isOn('ALL', 'u'), false);
  assert.equal(engine.isOnCounted('ALL', 'u'), false);
  assert.equal(engine.flag('ALL').isOn('u'), false);
  assert.equal(engine.isOn('ALL', 'u', true), true);
  const { on, error, reason } = engine.evaluate('ALL', 'u');
  assert.deepEqual([on, error, reason], [false, 'PROVIDER_NOT_READY', 'ERROR']);
  assert.equal(engine.value('ALL', 'u', 'mine'), 'mine');
  metric.record(1);
  metric.recordFor('u', 1);
  const calls = [
    () => engine.metric('latency'),
    () => engine.tick(),
    () => engine.start(),
    () => engine.status(),
    () => engine.scorecard(),
    () => engine.journal(),
    () => engine.setShares({ NONE: 1 }),
    () => engine.pause(),
    () => engine.share(),
    () => engine.openAlert('info', 'a'),
    () => engine.nextWakeup(),
    () => engine.on('record', () => {}),
  ];
  for (const call of calls) assert.throws(call, { code: 'ERR_ROLLGATE_INVALID_ARGUMENT', message: /closed/ }, `${call}`);
  engine.stop();
  await turn();
  assert.deepEqual(heard, []);
});

test('a block that uses an engine closes it', { skip: Symbol.dispose === undefined }, () => {
  const engine = Engine.fromConfig(FLAGS);
  engine[Symbol.dispose]();
  assert.equal(engine.isClosed, true);
});

test('ten thousand engines leave no memory behind', () => {
  const source = `
    const { Engine } = require(${JSON.stringify(path.join(__dirname, '..'))});
    const plan = ${JSON.stringify(path.join(root, 'examples', 'plans', 'memory-system.yaml'))};
    const config = ${JSON.stringify(FLAGS)};
    const turn = () => new Promise(setImmediate);
    async function run(count) {
      for (let place = 0; place < count; place += 1) {
        // Most are small; some have a whole plan, with listeners and a ticking thread.
        const engine = place % 50 === 0 ? Engine.open(plan) : Engine.fromConfig(config);
        engine.on('record', () => {});
        engine.flag(engine.flags[0]).isOn('u');
        if (place % 50 === 0) engine.start();
        else engine.metric('latency').record(1);
        engine.close();
        if (place % 100 === 0) await turn();
      }
      for (let round = 0; round < 4; round += 1) { global.gc(); await turn(); }
      const { rss, heapUsed } = process.memoryUsage();
      return [rss / 1024 / 1024, heapUsed / 1024 / 1024];
    }
    (async () => {
      const first = await run(2_000);
      const rest = [];
      for (let part = 0; part < 4; part += 1) rest.push(await run(2_000));
      console.log(JSON.stringify({ first, rest }));
    })();
  `;
  const ran = spawnSync(process.execPath, ['--expose-gc', '-e', source], { encoding: 'utf8', timeout: 300_000 });
  assert.equal(ran.status, 0, ran.stderr);
  const { first, rest } = JSON.parse(ran.stdout);
  const grown = (place) => rest.at(-1)[place] - first[place];
  const says = `MiB after each 2,000: ${JSON.stringify([first, ...rest].map((pair) => pair.map(Math.round)))}`;
  // The allocator and the collector go on settling for some 30,000 engines. One engine left behind is more than 16 KiB, and
  // all of them 128 MiB.
  assert.ok(grown(0) < 48, says);
  assert.ok(grown(1) < 2, says);
});
