'use strict';
// rollgate as a provider of OpenFeature's server SDK.

const { ErrorCode, OpenFeatureEventEmitter, ProviderEvents } = require('@openfeature/server-sdk');
const { RollgateError } = require('./lib/errors.js');
const { Engine } = require('./lib/engine.js');

class RollgateProvider {
  #engine;
  #changed = ({ from, to }) => {
    this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: Object.keys(to ?? from ?? {}) });
  };
  metadata = Object.freeze({ name: 'rollgate' });
  runsOn = 'server';
  events = new OpenFeatureEventEmitter();

  constructor(engine) {
    if (!(engine instanceof Engine)) throw new TypeError('engine: expected an Engine');
    this.#engine = engine;
  }

  async initialize() {
    this.#engine.on('sharesChanged', this.#changed);
  }

  /** The engine is the caller's, who closes it. */
  async onClose() {
    this.#engine.off('sharesChanged', this.#changed);
  }

  async resolveBooleanEvaluation(flag, fallback, context) {
    return this.#resolve(flag, fallback, context, (value) => typeof value === 'boolean');
  }

  async resolveStringEvaluation(flag, fallback, context) {
    return this.#resolve(flag, fallback, context, (value) => typeof value === 'string');
  }

  async resolveNumberEvaluation(flag, fallback, context) {
    return this.#resolve(flag, fallback, context, (value) => typeof value === 'number');
  }

  async resolveObjectEvaluation(flag, fallback, context) {
    return this.#resolve(flag, fallback, context, (value) => typeof value === 'object');
  }

  #resolve(flag, fallback, context, isType) {
    const wrong = (errorCode, errorMessage) => ({ value: fallback, reason: 'ERROR', errorCode, errorMessage });
    let evaluation;
    try {
      evaluation = this.#engine.evaluate(flag, undefined, context);
    } catch (error) {
      const isContext = error instanceof TypeError || (error instanceof RollgateError && error.kind === 'InvalidContext');
      return wrong(isContext ? ErrorCode.INVALID_CONTEXT : ErrorCode.GENERAL, error.message);
    }
    const { value, variant, reason, error, bucket, share, version } = evaluation;
    if (error !== null) return wrong(error, `${flag}: ${error}`);
    const flagMetadata = { share, version, ...(bucket === null ? {} : { bucket }) };
    if (value === null) return { value: fallback, reason, flagMetadata };
    if (!isType(value)) return wrong(ErrorCode.TYPE_MISMATCH, `${flag} serves ${JSON.stringify(value)}`);
    return { value, variant, reason, flagMetadata };
  }
}

module.exports = { RollgateProvider };
