'use strict';
// A rollout from its start to a rollback, on a manual clock.

const assert = require('node:assert/strict');
const { setImmediate: turn } = require('node:timers/promises');
const test = require('node:test');
const { Engine } = require('..');
const { FLAGS, PLAN, START, read } = require('./setup.js');

const HOUR = 3_600_000;
const open = () => Engine.fromText(PLAN, { clock: 'manual', at: START });

test('a rollout starts, waits for its gates and its people, and goes on', () => {
  const engine = open();
  assert.equal(engine.status().status, 'pending');
  engine.startRollout({ by: 'on_call' });
  engine.advance(1_000);
  assert.deepEqual(engine.shares(), { NEW: 0.25 });
  const on = Array.from({ length: 4_000 }, (_, place) => engine.isOn('NEW', `user-${place}`)).filter(Boolean).length;
  assert.ok(on > 900 && on < 1_100, `${on} of 4000`);
  engine.metric('latency').recordFor('user-1', 12.5);
  engine.advance(HOUR);
  assert.equal(engine.status().status, 'awaiting_decision');
  engine.decide('go', { by: 'lead', rationale: 'all green' });
  const kinds = engine.journal().map((record) => record.kind);
  for (const kind of ['started', 'phase_started', 'step_applied', 'shares_changed', 'decided', 'completed']) {
    assert.ok(kinds.includes(kind), `${kind} in ${kinds}`);
  }
  const { seq } = engine.journal()[2];
  assert.deepEqual(engine.journal(seq).map((record) => record.seq)[0], seq + 1);
});

test('a trigger on a gauge rolls back inside the recording call', () => {
  const engine = open();
  engine.startRollout({ by: 'on_call' });
  engine.advance(1_000);
  engine.metric('heap').record(2_000);
  assert.equal(engine.isOn('NEW', 'user-1'), false);
  assert.equal(engine.status().status, 'rolled_back');
  assert.deepEqual(engine.shares(), { NEW: 0 });
});

const BACKUP = `
version: 1
name: careful
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 100% }, actions: { backup: { run: make backup, expect: ok } } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
`;

test('a program runs the action before a step and reports what it gave', async () => {
  const engine = Engine.fromText(BACKUP, { clock: 'manual', at: START });
  let hasRoom = false;
  const ran = [];
  // As in the README; what it runs is asynchronous, as a process would be.
  engine.on('actionStarted', async ({ action, run }) => {
    ran.push(engine.status().action.run);
    await turn();
    const output = hasRoom ? 'ok' : 'the disk is full';
    engine.reportAction(action, { ok: hasRoom, output, run });
  });
  const pass = async (ms) => {
    engine.advance(ms);
    for (let turns = 0; turns < 5; turns += 1) await turn();
  };
  engine.startRollout({ by: 'on_call' });
  engine.advance(1_000);
  assert.deepEqual(engine.shares(), { NEW: 0 }, 'the step waits');
  await pass(0);
  assert.deepEqual([engine.status().status, engine.shares()], ['paused', { NEW: 0 }]);
  // A result that comes too late, or of an action that nobody runs, changes nothing.
  assert.throws(() => engine.reportAction('backup', { ok: true, output: 'ok', run: 1 }), { code: 'ERR_ROLLGATE_REFUSED' });
  assert.throws(() => engine.reportAction('other', { ok: true }), { code: 'ERR_ROLLGATE_REFUSED' });
  hasRoom = true;
  engine.resume({ by: 'on_call' });
  await pass(20_000);
  await pass(20_000);
  assert.deepEqual(engine.shares(), { NEW: 1 });
  assert.deepEqual(ran, ['make backup', 'make backup']);
  const finished = engine.journal().filter((record) => record.kind === 'action_finished');
  assert.deepEqual(finished.map((record) => record.ok), [false, true]);
  engine.close();
});

test('operators set, pause, resume, stop, retry, annotate and follow up', () => {
  const engine = open();
  engine.startRollout({ by: 'on_call' });
  engine.advance(1_000);
  engine.setShares({ NEW: 0.1 }, { by: 'on_call', reason: 'careful' });
  assert.deepEqual(engine.shares(), { NEW: 0.1 });
  engine.release(['NEW'], { by: 'on_call' });
  engine.pause({ by: 'on_call', reason: 'lunch' });
  assert.equal(engine.status().status, 'paused');
  engine.resume({ by: 'on_call' });
  engine.annotate('cache was cold', { by: 'on_call', metric: 'latency' });
  engine.followUp('cleanup', { title: 'remove the old code', owner: 'lead', due: '7d', by: 'lead' });
  assert.equal(engine.status().follow_ups[0].key, 'cleanup');
  engine.stopRollout({ by: 'on_call', reason: 'enough' });
  assert.equal(engine.status().status, 'stopped');
  engine.retry({ by: 'on_call' });
  assert.equal(engine.status().status, 'running');
  engine.openAlert('critical', 'a1');
  engine.closeAlert('a1');
  engine.watchAlerts();
  const seen = new Set(engine.journal().map((record) => record.kind));
  for (const kind of ['paused', 'resumed', 'stopped', 'retried', 'alert_opened', 'alert_closed']) assert.ok(seen.has(kind), kind);
});

test('flags alone are set by the host', () => {
  const engine = Engine.fromConfig(FLAGS);
  engine.setShares({ NONE: 1 });
  assert.equal(engine.isOn('NONE', 'u'), true);
  const { cause } = engine.journal().find(({ kind }) => kind === 'shares_changed');
  assert.deepEqual(cause, { kind: 'operator', name: 'host' });
});

test('flags start at what seeds say', () => {
  const engine = Engine.fromConfig(FLAGS, { seed: { NONE: '100%', ALL: false, TENTH: 0.5 } });
  assert.deepEqual([engine.isOn('NONE', 'u'), engine.isOn('ALL', 'u')], [true, false]);
  assert.equal(engine.shares().TENTH, 0.5);
  process.env.NONE = 'true';
  try {
    assert.equal(Engine.fromConfig(FLAGS, { seedFromEnv: true }).isOn('NONE', 'u'), true);
    assert.equal(Engine.fromConfig(FLAGS).isOn('NONE', 'u'), false);
  } finally {
    delete process.env.NONE;
  }
});

test('scorecards and reports come as objects and as text', () => {
  const engine = open();
  engine.startRollout({ by: 'on_call' });
  engine.advance(1_000);
  const card = engine.scorecard();
  assert.equal(card.form, 'phase');
  assert.deepEqual(JSON.parse(engine.scorecard('json')), card);
  assert.match(engine.scorecard('markdown', 'daily'), /\|/);
  assert.match(engine.scorecard('text'), /Overall/);
  assert.equal(engine.report('summary').report, 'summary');
  assert.match(engine.report('plan', 'text'), /careful/);
  assert.match(engine.prometheus(), /rollgate/);
});

test('time passes only when it is told to', () => {
  const engine = open();
  engine.startRollout({ by: 'on_call' });
  engine.tick();
  const before = engine.nextWakeup();
  assert.ok(before instanceof Date);
  assert.equal(engine.untilWakeup(), before - new Date(START));
  engine.advance(engine.untilWakeup());
  assert.ok(engine.nextWakeup() > before);
  engine.advance(0);
});

test('metrics record by every way', async () => {
  const engine = Engine.fromConfig(FLAGS, { clock: 'manual', at: START });
  const metric = engine.metric('latency');
  assert.equal(metric.kind, 'distribution');
  assert.equal(metric, engine.metric('latency'));
  metric.record(12.5);
  metric.record(12.5, 10);
  metric.recordFor('user-1', 3, 2);
  metric.recordElapsed(5);
  metric.recordElapsed(5, 'user-1');
  const timer = metric.time();
  assert.ok(timer.stop() >= 0);
  timer.stop();
  metric.timeFor('user-1').discard();
  assert.equal(metric.time(() => 7), 7);
  assert.throws(() => metric.time(() => { throw new Error('mine'); }), new Error('mine'));
  assert.equal(await metric.timeFor('user-1', async () => { await turn(); return 8; }), 8);
  await assert.rejects(metric.time(async () => { throw new Error('mine'); }), new Error('mine'));
  const errors = engine.metric('errors');
  errors.recordOutcome(true);
  errors.recordOutcomeFor('user-1', false);
  errors.recordOutcomes(3, 1_000);
  errors.recordOutcomesFor('user-1', 3, 1_000);
  engine.metric('complaints').count();
  engine.metric('complaints').count(3);
  engine.metric('nps').record(9);
  engine.metric('nps').recordPoints(34);
  engine.metric('heap').record(400);
  engine.tick();
  const text = engine.prometheus();
  // 11 by hand, 2 for a subject, 2 elapsed, 1 timer, 2 actions and 2 promises.
  assert.match(text, /^rollgate_latency_samples_total\{metric="latency"\} 20$/m);
  assert.match(text, /^rollgate_errors_samples_total\{metric="errors"\} 2002$/m);
});

test('status and scorecard are those of the book', () => {
  const engine = Engine.fromText(read('doors/plan.yaml'), { clock: 'manual', at: new Date(1_772_442_000_000) });
  const does = {
    command(json) {
      try {
        engine.command(JSON.parse(json));
      } catch (error) {
        // What is refused is part of the story.
        assert.equal(error.kind, 'Refused');
      }
    },
    advance(ms, times) {
      for (let turn = 0; turn < Number(times); turn += 1) engine.advance(Number(ms));
    },
    record: (metric, key, value) => engine.metric(metric).recordFor(key, Number(value)),
    outcomes: (metric, trues, total) => engine.metric(metric).recordOutcomes(Number(trues), Number(total)),
    count: (metric, events) => engine.metric(metric).count(Number(events)),
  };
  for (const line of read('doors/script.txt').trimEnd().split('\n')) {
    const [what, ...rest] = line.split('\t');
    does[what](...rest);
  }
  assert.deepEqual(engine.status(), JSON.parse(read('doors/status.json')));
  assert.equal(engine.scorecard('json'), read('doors/scorecard.json').trimEnd());
  engine.close();
});
