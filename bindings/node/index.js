'use strict';
// rollgate for Node. The types and their documentation are in index.d.ts.

const { Engine } = require('./lib/engine.js');
const { ErrorNumber, RollgateError } = require('./lib/errors.js');
const { Flag, packKeys } = require('./lib/flag.js');
const { Metric, Timer } = require('./lib/metric.js');

module.exports = { Engine, ErrorNumber, Flag, Metric, RollgateError, Timer, packKeys };
