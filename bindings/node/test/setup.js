'use strict';
// What several tests stand on: plans, and the project's books of vectors.

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..', '..');
const book = (name) => path.join(root, 'tests', 'spec', name);
const read = (name) => fs.readFileSync(book(name), 'utf8');

const FLAGS = {
  version: 1,
  name: 'flags',
  flags: {
    HALF: { share: '50%', bucketing: { salt: 'half' } },
    TENTH: { share: '10%' },
    ALL: { share: '100%' },
    NONE: { share: '0%' },
    DISABLED: { enabled: false },
    SIZE: { share: '100%', variants: { small: { value: 10, share: '100%' }, large: { value: 20 } } },
  },
  metrics: {
    latency: { kind: 'distribution', unit: 'ms', arms: ['HALF'] },
    errors: { kind: 'ratio', arms: ['HALF'] },
    heap: { kind: 'gauge', unit: 'MB', good: 'down' },
    complaints: { kind: 'event' },
    nps: { kind: 'score' },
  },
};

const PLAN = `
version: 1
name: careful
roles: { lead: {} }
flags: { NEW: {} }
metrics:
  latency: { kind: distribution, unit: ms, arms: [NEW] }
  heap: { kind: gauge, unit: MB, good: down }
phases:
  - id: first
    duration: 1h
    steps: [ { set: { NEW: 25% } } ]
    gates: { time: { phase_for: 1h } }
    decision: { roles: [lead] }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
`;

const START = '2026-01-19T10:00:00Z';

module.exports = { FLAGS, PLAN, START, book, read, root };
