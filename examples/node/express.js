'use strict';
// rollgate behind Express: who gets the new search, how it does, and an endpoint for those who decide.
// `node express.js` listens on PORT, or 3000.

const express = require('express');
const { Engine, RollgateError } = require('rollgate');

function application(engine) {
  const app = express();
  const search = engine.flag('NEW_SEARCH');
  const latency = engine.metric('latency');
  const errors = engine.metric('errors');

  // Each request counts on the side that its user is on.
  app.use('/search', (request, response, next) => {
    request.user = request.get('x-user') ?? '';
    const timer = latency.timeFor(request.user);
    response.on('finish', () => {
      timer.stop();
      errors.recordOutcomeFor(request.user, response.statusCode >= 500);
    });
    next();
  });
  app.get('/search', (request, response) => {
    response.json({ search: search.isOnCounted(request.user) ? 'new' : 'old' });
  });

  app.get('/rollout', (_request, response) => {
    response.json(engine.status());
  });
  app.post('/rollout/shares', express.json(), (request, response) => {
    engine.setShares(request.body, { by: request.get('x-user') ?? 'nobody', reason: request.get('rollgate-reason') });
    response.json(engine.shares());
  });

  // A refusal is the caller's to mend.
  app.use((error, _request, response, next) => {
    const isCallers = error instanceof RollgateError || error instanceof TypeError;
    if (!isCallers) return next(error);
    response.status(error.kind === 'Refused' ? 409 : 400).json({ error: error.message, number: error.number });
  });
  return app;
}

const PLAN = {
  version: 1,
  name: 'search',
  flags: { NEW_SEARCH: { share: '25%' } },
  metrics: {
    latency: { kind: 'distribution', unit: 'ms', arms: ['NEW_SEARCH'] },
    errors: { kind: 'ratio', arms: ['NEW_SEARCH'] },
  },
};

module.exports = { PLAN, application };

if (require.main === module) {
  const engine = Engine.fromConfig(PLAN).start();
  engine.on('record', ({ at, kind }) => console.log(at, kind));
  const server = application(engine).listen(process.env.PORT ?? 3000);
  process.once('SIGTERM', () => server.close(() => engine.close()));
}
