'use strict';
// State in a file: through restarts, two engines on one file, and another process that is killed.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { once } = require('node:events');
const { setTimeout: rest } = require('node:timers/promises');
const test = require('node:test');
const { Engine } = require('..');
const { PLAN, START } = require('./setup.js');

const folder = mkdtempSync(join(tmpdir(), 'rollgate-store-'));
test.after(() => rmSync(folder, { recursive: true }));

const waitFor = async (what) => {
  for (let tries = 0; !what(); tries += 1) {
    assert.ok(tries < 3_000, 'it never came');
    await rest(10);
  }
};
const role = (engine) => engine.status().store.role;

test('what was decided is there again', () => {
  const store = join(folder, 'again.db');
  const engine = Engine.fromText(PLAN, { store, clock: 'manual', at: START });
  engine.startRollout({ by: 'on_call' });
  engine.advance(1_000);
  const journal = engine.journal();
  engine.close();
  const again = Engine.fromText(PLAN, { store, clock: 'manual', at: START });
  assert.deepEqual(again.shares(), { NEW: 0.25 });
  assert.deepEqual(again.journal().slice(0, journal.length), journal);
  assert.equal(again.journal().at(-1).kind, 'restarted');
  again.close();
});

test('a file that is no store is not touched', () => {
  const store = join(folder, 'other.db');
  writeFileSync(store, 'not a database, whatever its name says '.repeat(50));
  assert.throws(() => Engine.fromText(PLAN, { store }), { kind: 'StoreDamaged', message: /other\.db/ });
});

test('two engines on one file are one rollout', async () => {
  const store = join(folder, 'shared.db');
  const [first, second] = [Engine.fromText(PLAN, { store }), Engine.fromText(PLAN, { store })];
  assert.deepEqual([role(first), role(second)], ['leader', 'follower']);
  first.start();
  second.start();
  second.startRollout({ by: 'on_call' });
  await waitFor(() => first.shares().NEW === 0.25);
  first.stopRollout({ by: 'on_call', reason: 'enough' });
  await waitFor(() => second.shares().NEW === 0);
  first.close();
  await waitFor(() => role(second) === 'leader');
  second.close();
});

test('another process goes on where one was killed', async () => {
  const store = join(folder, 'killed.db');
  const code = `
    const { Engine } = require(${JSON.stringify(join(__dirname, '..'))});
    const engine = Engine.fromText(${JSON.stringify(PLAN)}, { store: ${JSON.stringify(store)} });
    engine.start();
    console.log(engine.status().store.role);
    setInterval(() => {}, 1_000);`;
  const worker = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(worker.stdout, 'data');
  assert.equal(String(said).trim(), 'leader');
  const engine = Engine.fromText(PLAN, { store });
  engine.start();
  assert.equal(role(engine), 'follower');
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  await waitFor(() => role(engine) === 'leader');
  engine.close();
});
