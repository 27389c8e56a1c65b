// rollgate for Node, as an ES module: the same classes as `require` gives.
import rollgate from './index.js';

export const { Engine, ErrorNumber, Flag, Metric, RollgateError, Timer, packKeys } = rollgate;
export default rollgate;
