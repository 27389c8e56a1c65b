'use strict';
// rollgate behind Fastify, as a plugin: `request.isOn(flag)`, a sample of every request, and the rollout's status.
// `node fastify.js` listens on PORT, or 3000.

const fastify = require('fastify');
const { Engine, RollgateError } = require('rollgate');
const { PLAN } = require('./express.js');

function application(engine) {
  const app = fastify();
  const latency = engine.metric('latency');
  const errors = engine.metric('errors');

  app.decorateRequest('user', '');
  app.decorateRequest('isOn', function isOn(flag) {
    return engine.isOn(flag, this.user);
  });
  app.addHook('onRequest', async (request) => {
    request.user = request.headers['x-user'] ?? '';
  });
  app.addHook('onResponse', async (request, reply) => {
    latency.recordElapsed(reply.elapsedTime, request.user);
    errors.recordOutcomeFor(request.user, reply.statusCode >= 500);
  });

  app.get('/search', async (request) => ({ search: request.isOn('NEW_SEARCH') ? 'new' : 'old' }));
  app.get('/rollout', async () => engine.status());
  app.post('/rollout/shares', async (request) => {
    engine.setShares(request.body, { by: request.user || 'nobody', reason: request.headers['rollgate-reason'] });
    return engine.shares();
  });

  app.setErrorHandler((error, _request, reply) => {
    const isCallers = error instanceof RollgateError || error instanceof TypeError;
    if (!isCallers) return reply.send(error);
    return reply.status(error.kind === 'Refused' ? 409 : 400).send({ error: error.message, number: error.number });
  });
  app.addHook('onClose', async () => engine.close());
  return app;
}

module.exports = { application };

if (require.main === module) {
  const engine = Engine.fromConfig(PLAN).start();
  engine.on('record', ({ at, kind }) => console.log(at, kind));
  application(engine).listen({ port: Number(process.env.PORT ?? 3000) });
}
