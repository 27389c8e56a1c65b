'use strict';
// Worker threads: an engine of their own, one that all share, and one that is closed under them.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const test = require('node:test');
const { Worker } = require('node:worker_threads');
const path = require('node:path');
const { Engine } = require('..');
const { FLAGS } = require('./setup.js');

const WORKERS = 8;
const setup = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { Engine } = require(${JSON.stringify(path.join(__dirname, '..'))});
`;

function start(source, workerData) {
  const worker = new Worker(setup + source, { eval: true, workerData });
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  // Asked for now: it may be gone before anybody waits for it.
  const gone = once(worker, 'exit');
  return { worker, gone, said: () => Promise.race([once(worker, 'message'), failed]).then(([said]) => said) };
}

test('eight workers open engines of their own, and agree', async () => {
  const source = `
    const engine = Engine.fromConfig(workerData);
    const flag = engine.flag('HALF');
    const heard = [];
    engine.on('sharesChanged', (record) => heard.push(record.kind));
    const on = Array.from({ length: 20_000 }, (_, place) => Number(flag.isOn('user-' + place)));
    engine.setShares({ NONE: 1 });
    setImmediate(() => {
      parentPort.postMessage({ on: on.join(''), heard, none: engine.isOn('NONE', 'u') });
      engine.close();
    });
  `;
  const workers = Array.from({ length: WORKERS }, () => start(source, FLAGS));
  const answers = await Promise.all(workers.map(({ said }) => said()));
  await Promise.all(workers.map(({ gone }) => gone));
  const engine = Engine.fromConfig(FLAGS);
  const on = Array.from({ length: 20_000 }, (_, place) => Number(engine.isOn('HALF', `user-${place}`))).join('');
  for (const answer of answers) assert.deepEqual(answer, { on, heard: ['shares_changed'], none: true });
});

test('eight workers share one engine: what one sets the others serve and hear', async () => {
  const engine = Engine.fromConfig(FLAGS);
  const source = `
    const engine = Engine.attach(workerData);
    const metric = engine.metric('latency');
    let rounds = 0;
    engine.on('sharesChanged', () => {
      parentPort.postMessage({ on: engine.isOn('NONE', 'u'), rounds });
      parentPort.close();
      // It leaves; the engine stays open for the others.
      engine.close();
    });
    for (; rounds < 1_000; rounds += 1) {
      engine.flag('HALF').isOnCounted('user-' + rounds);
      metric.recordFor('user-' + rounds, rounds);
    }
    parentPort.on('message', () => {});
    parentPort.postMessage('ready');
  `;
  const workers = Array.from({ length: WORKERS }, () => start(source, engine.share()));
  assert.deepEqual(await Promise.all(workers.map(({ said }) => said())), Array(WORKERS).fill('ready'));
  const answers = Promise.all(workers.map(({ said }) => said()));
  engine.setShares({ NONE: 1 });
  for (const answer of await answers) assert.deepEqual(answer, { on: true, rounds: 1_000 });
  await Promise.all(workers.map(({ gone }) => gone));
  const { on, off } = engine.exposures().HALF;
  assert.equal(on + off, WORKERS * 1_000);
  engine.tick();
  assert.equal(engine.isClosed, false);
  engine.close();
  assert.throws(() => Engine.attach('1'), { code: 'ERR_ROLLGATE_UNKNOWN_NAME' });
});

test('an engine may be closed while eight workers evaluate, record and tick', async () => {
  for (let round = 0; round < 5; round += 1) {
    const engine = Engine.fromConfig(FLAGS);
    engine.start();
    const source = `
      const engine = Engine.attach(workerData);
      const flag = engine.flag('ALL');
      const metric = engine.metric('latency');
      const heap = engine.metric('heap');
      engine.on('record', () => {});
      let on = Number(flag.isOn('u'));
      parentPort.postMessage('ready');
      while (!engine.isClosed) {
        for (let place = 0; place < 500; place += 1) {
          on += Number(flag.isOn('u'));
          engine.isOn('HALF', 'u' + place);
          metric.recordFor('u', 1);
        }
        heap.record(1);
        try { engine.tick(); engine.status(); } catch (error) { if (error.kind !== 'InvalidArgument') throw error; }
      }
      parentPort.postMessage({ on: on > 0, after: [flag.isOn('u'), engine.isOn('ALL', 'u', true), engine.isOn('ALL', 'u')] });
    `;
    const workers = Array.from({ length: WORKERS }, () => start(source, engine.share()));
    await Promise.all(workers.map(({ said }) => said()));
    engine.close();
    const answers = await Promise.all(workers.map(({ said }) => said()));
    for (const answer of answers) assert.deepEqual(answer, { on: true, after: [false, true, false] });
    await Promise.all(workers.map(({ gone }) => gone));
  }
});

test('workers that are terminated in the middle leave the others alone', async () => {
  const engine = Engine.fromConfig(FLAGS);
  engine.start();
  const source = `
    const engine = Engine.attach(workerData);
    const own = Engine.fromConfig(${JSON.stringify(FLAGS)});
    own.start();
    own.on('record', () => {});
    engine.on('record', () => {});
    parentPort.postMessage('ready');
    for (;;) { engine.isOn('HALF', 'u'); own.setShares({ NONE: Math.round(Math.random() * 1000) / 1000 }); }
  `;
  const workers = Array.from({ length: WORKERS }, () => start(source, engine.share()));
  await Promise.all(workers.map(({ said }) => said()));
  await Promise.all(workers.map(({ worker }) => worker.terminate()));
  engine.setShares({ NONE: 1 });
  assert.equal(engine.isOn('NONE', 'u'), true);
  engine.close();
});
