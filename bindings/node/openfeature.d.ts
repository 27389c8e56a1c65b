// rollgate as a provider of OpenFeature's server SDK.

import type { EvaluationContext, JsonValue, OpenFeatureEventEmitter, Provider, ProviderMetadata, ResolutionDetails } from '@openfeature/server-sdk';
import type { Engine } from './index.js';

/**
 * Answers OpenFeature's clients from an engine. `targetingKey` is the subject's key, and the rest of the context are its
 * attributes. It emits `PROVIDER_CONFIGURATION_CHANGED` when shares change. The engine stays the caller's, who closes it.
 */
export declare class RollgateProvider implements Provider {
  constructor(engine: Engine);
  readonly metadata: ProviderMetadata;
  readonly runsOn: 'server';
  readonly events: OpenFeatureEventEmitter;
  initialize(): Promise<void>;
  onClose(): Promise<void>;
  resolveBooleanEvaluation(flag: string, fallback: boolean, context: EvaluationContext): Promise<ResolutionDetails<boolean>>;
  resolveStringEvaluation(flag: string, fallback: string, context: EvaluationContext): Promise<ResolutionDetails<string>>;
  resolveNumberEvaluation(flag: string, fallback: number, context: EvaluationContext): Promise<ResolutionDetails<number>>;
  resolveObjectEvaluation<T extends JsonValue>(flag: string, fallback: T, context: EvaluationContext): Promise<ResolutionDetails<T>>;
}
