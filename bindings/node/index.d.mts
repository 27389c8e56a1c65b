import * as rollgate from './index.js';

export * from './index.js';
declare const all: typeof rollgate;
export default all;
