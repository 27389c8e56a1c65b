'use strict';
// The recipes of `examples/node`, as they stand: started on a port that is free, and asked.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const Module = require('node:module');
const path = require('node:path');
const test = require('node:test');
const { Engine } = require('..');
const { root } = require('./setup.js');

// They find `rollgate`, `express` and `fastify` as a project would that has installed them.
const here = path.join(__dirname, '..');
const find = Module._resolveFilename;
Module._resolveFilename = function resolve(request, parent, ...rest) {
  if (request === 'rollgate') return path.join(here, 'index.js');
  if (request === 'express' || request === 'fastify') return find.call(this, request, module, false, { paths: [here] });
  return find.call(this, request, parent, ...rest);
};
const { PLAN, application: express } = require(path.join(root, 'examples', 'node', 'express.js'));
const { application: fastify } = require(path.join(root, 'examples', 'node', 'fastify.js'));

async function ask(base, engine) {
  const search = async (user) => (await (await fetch(`${base}/search`, { headers: { 'x-user': user } })).json()).search;
  for (let user = 0; user < 20; user += 1) {
    assert.equal(await search(`user-${user}`), engine.isOn('NEW_SEARCH', `user-${user}`) ? 'new' : 'old');
  }
  const set = (body) =>
    fetch(`${base}/rollout/shares`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': 'ann', 'rollgate-reason': 'all of it' },
      body: JSON.stringify(body),
    });
  const done = await set({ NEW_SEARCH: 1 });
  assert.deepEqual([done.status, await done.json()], [200, { NEW_SEARCH: 1 }]);
  assert.equal(await search('anybody'), 'new');
  const refused = await set({ NO_SUCH: 1 });
  assert.ok([400, 409].includes(refused.status), `${refused.status}`);
  assert.match((await refused.json()).error, /NO_SUCH/);
  assert.equal((await set({ NEW_SEARCH: 'much' })).status, 400);
  const status = await (await fetch(`${base}/rollout`)).json();
  assert.deepEqual([status.plan, status.shares], ['search', [['NEW_SEARCH', 1]]]);
  // A response is recorded after it is sent: the next one may see it.
  engine.tick();
  const seen = engine.prometheus().match(/^rollgate_latency_samples_total\{metric="latency"\} (\d+)$/m);
  assert.ok(Number(seen?.[1]) >= 20, seen?.[0]);
}

test('the Express recipe serves, records and obeys', async () => {
  const engine = Engine.fromConfig(PLAN);
  const server = express(engine).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await ask(`http://127.0.0.1:${server.address().port}`, engine);
  } finally {
    server.close();
    server.closeAllConnections();
    engine.close();
  }
});

test('the Fastify recipe serves, records and obeys', async () => {
  const engine = Engine.fromConfig(PLAN);
  const app = fastify(engine);
  const base = await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    await ask(base, engine);
  } finally {
    await app.close();
  }
  assert.equal(engine.isClosed, true);
});
