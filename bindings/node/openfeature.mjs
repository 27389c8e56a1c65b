// rollgate as a provider of OpenFeature's server SDK, as an ES module.
import openfeature from './openfeature.js';

export const { RollgateProvider } = openfeature;
export default openfeature;
