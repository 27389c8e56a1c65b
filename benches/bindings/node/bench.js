'use strict';
// `node bench.js LIBRARY`: one line of JSON for each thing measured: what a call costs, in nanoseconds, as the least and the
// median of many chunks. Peers that are not installed are left out, with a line on stderr. Nothing goes to the network.
//
// Keys have 16 bytes, the flag is at 10 %, and 1,000 flags are loaded. Every call gets its key from the same list.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const KEYS = Array.from({ length: 1_024 }, (_, place) => {
  // Through bytes, so that no key is a rope that the first call would flatten.
  return Buffer.from(`user-${place}-abcdefghijkl`.slice(0, 16)).toString('latin1');
});
const FLAGS = 1_000;
const NAME = 'FLAG_500';
const CHUNKS = Number(process.env.CHUNKS ?? 400);

/** Rollgate's library, put where the binding finds it: a copy of the binding, so that nobody else's is touched. */
function load(library) {
  const binding = path.join(__dirname, '..', '..', '..', 'bindings', 'node');
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'rollgate-bench-'));
  for (const entry of ['package.json', 'index.js', 'lib']) fs.cpSync(path.join(binding, entry), path.join(home, entry), { recursive: true });
  fs.copyFileSync(library, path.join(home, `rollgate.${process.platform}-${process.arch}.node`));
  process.on('exit', () => fs.rmSync(home, { recursive: true, force: true }));
  return { rollgate: require(home), native: require(path.join(home, 'lib', 'native.js')) };
}

/** A loop of its own for each call, so that one does not spoil another's inline caches. */
function loop(call) {
  const source = 'let on = 0; for (let i = 0; i < 1024; i += 1) if (call(KEYS[i])) on += 1; return on;';
  return new Function('call', 'KEYS', `return function chunk() { ${source} }`)(call, KEYS);
}

/** Some calls with all keys: the first of them is slow, for whatever ran before it. */
const BATCHES = 16;
function batch(call) {
  return () => {
    let keys = 0;
    for (let turn = 0; turn < BATCHES; turn += 1) keys += call().length;
    return keys;
  };
}

function print(name, chunks, calls) {
  const sorted = chunks.map((ns) => ns / calls).sort((a, b) => a - b);
  const round = (ns) => Math.round(ns * 100) / 100;
  console.log(JSON.stringify({ name, ns_min: round(sorted[0]), ns_median: round(sorted[sorted.length >> 1]), allocs: null }));
}

/** Measures all calls in turns, so that a slow moment of the machine is every call's. */
function measure(calls) {
  const running = calls.map(([name, chunk, count, expected]) => ({ name, chunk, count, expected, chunks: [] }));
  for (const one of running) {
    const on = one.chunk();
    // A call that is not a tenth is not the question that is measured.
    if (one.expected && Math.abs(on - 102) > 40) throw new Error(`${one.name}: ${on} of 1024 are on`);
    for (let warm = 0; warm < 50; warm += 1) one.chunk();
  }
  for (let round = 0; round < CHUNKS; round += 1) {
    for (const { chunk, chunks } of running) {
      const from = process.hrtime.bigint();
      chunk();
      chunks.push(Number(process.hrtime.bigint() - from));
    }
  }
  for (const { name, chunks, count } of running) print(name, chunks, count);
}

function ours(library) {
  const { rollgate, native } = load(library);
  const flags = {};
  for (let place = 0; place < FLAGS; place += 1) flags[`FLAG_${place}`] = { share: '10%' };
  const engine = rollgate.Engine.fromConfig({ version: 1, name: 'bench', flags });
  const flag = engine.flag(NAME);
  const names = engine.flags;
  let turn = 0;
  const packed = rollgate.packKeys(KEYS);
  const count = (answers) => answers.reduce((on, answer) => on + answer, 0);
  if (count(flag.isOnMany(packed.keys, packed.offsets)) < 60) throw new Error('the batch is not at a tenth');
  return [
    ['node/noop_bare', loop((key) => native.noopBare(key)), 1_024],
    ['node/noop', loop((key) => native.noop(key)), 1_024],
    ['node/handle', loop((key) => flag.isOn(key)), 1_024, true],
    ['node/by_name', loop((key) => engine.isOn(NAME, key, false)), 1_024, true],
    ['node/by_name_in_turn', loop((key) => engine.isOn(names[(turn = (turn + 7) % FLAGS)], key, false)), 1_024, true],
    ['node/batch', batch(() => flag.isOnMany(packed.keys, packed.offsets)), BATCHES * 1_024],
    ['node/batch_strings', batch(() => flag.isOnMany(KEYS)), BATCHES * 1_024],
    ['node/evaluate', loop((key) => flag.evaluate(key).on), 1_024, true],
  ];
}

/** Each gives a function of a key, or a promise of one. */
const PEERS = {
  'unleash-client': async () => {
    const { Unleash, InMemStorageProvider } = require('unleash-client');
    const features = Array.from({ length: FLAGS }, (_, place) => ({
      ...{ name: `FLAG_${place}`, type: 'release', enabled: true, stale: false, impressionData: false, project: 'default', variants: [] },
      strategies: [{ name: 'flexibleRollout', parameters: { rollout: '10', stickiness: 'userId', groupId: `FLAG_${place}` }, constraints: [] }],
    }));
    const client = new Unleash({
      ...{ appName: 'bench', url: 'http://127.0.0.1:9/', disableMetrics: true, refreshInterval: 0, skipInstanceCountWarning: true },
      ...{ storageProvider: new InMemStorageProvider(), bootstrap: { data: features } },
    });
    client.on('error', () => {});
    client.on('warn', () => {});
    await new Promise((ready) => client.on('ready', ready));
    return (key) => client.isEnabled(NAME, { userId: key });
  },
  '@growthbook/growthbook': () => {
    const { GrowthBook } = require('@growthbook/growthbook');
    const features = {};
    for (let place = 0; place < FLAGS; place += 1) {
      features[`FLAG_${place}`] = { defaultValue: false, rules: [{ force: true, coverage: 0.1, hashAttribute: 'id' }] };
    }
    const client = new GrowthBook({ features, attributes: { id: 'u' } });
    client.setAttributes({ id: 'u' });
    return (key) => {
      // As their guide for servers has it, but for a new instance a request, which would cost more.
      client.setAttributes({ id: key });
      return client.isOn(NAME);
    };
  },
  '@statsig/statsig-node-core': () => {
    const { Statsig, StatsigUser } = require('@statsig/statsig-node-core');
    return statsig(Statsig, StatsigUser);
  },
  '@launchdarkly/node-server-sdk': async () => {
    const { init, integrations } = require('@launchdarkly/node-server-sdk');
    const source = new integrations.TestData();
    for (let place = 0; place < FLAGS; place += 1) {
      const name = `FLAG_${place}`;
      await source.usePreconfiguredFlag({
        ...{ key: name, version: 1, on: true, targets: [], rules: [], prerequisites: [], salt: name, variations: [true, false] },
        ...{ offVariation: 1, fallthrough: { rollout: { variations: [{ variation: 0, weight: 10_000 }, { variation: 1, weight: 90_000 }] } } },
      });
    }
    const logger = { error() {}, warn() {}, info() {}, debug() {} };
    const client = init('sdk-key', { updateProcessor: source.getFactory(), sendEvents: false, diagnosticOptOut: true, logger });
    await client.waitForInitialization({ timeout: 10 });
    // It answers by a promise alone; what is counted here is the call with its promise.
    return { async: (key) => client.boolVariation(NAME, { kind: 'user', key }, false) };
  },
};

async function statsig(Statsig, StatsigUser) {
  const flat = { isDeviceBased: false, idType: 'userID' };
  const rule = { ...flat, name: 'tenth', id: 'tenth', salt: 'tenth', passPercentage: 10, returnValue: true, conditions: ['everybody'] };
  const gate = { ...flat, type: 'feature_gate', enabled: true, defaultValue: false, entity: 'feature_gate', version: 1, rules: [rule] };
  const gates = Array.from({ length: FLAGS }, (_, place) => [`FLAG_${place}`, { ...gate, name: `FLAG_${place}`, salt: `FLAG_${place}` }]);
  const everybody = { ...flat, type: 'public', targetValue: null, operator: null, field: null, additionalValues: {} };
  const specs = {
    ...{ feature_gates: Object.fromEntries(gates), dynamic_configs: {}, layer_configs: {}, layers: {} },
    ...{ condition_map: { everybody }, experiment_to_layer: {}, has_updates: true, time: 1_767_225_600_000 },
  };
  const store = {
    initialize: async () => {},
    shutdown: async () => {},
    get: async () => ({ result: JSON.stringify(specs), time: specs.time }),
    set: async () => {},
    supportPollingUpdatesFor: async () => false,
  };
  const client = new Statsig('secret-bench', {
    ...{ dataStore: store, disableNetwork: true, disableAllLogging: true, outputLogLevel: 'none', environment: 'bench' },
  });
  await client.initialize();
  return (key) => client.checkGate(new StatsigUser({ userID: key }), NAME);
}

async function peers() {
  const found = [];
  for (const [name, open] of Object.entries(PEERS)) {
    try {
      const call = await open();
      if (typeof call === 'function') found.push([`peer/${name}`, loop(call), 1_024, true]);
      else await measureAsync(`peer/${name}`, call.async);
    } catch (error) {
      console.error(`peer/${name}: left out: ${error.message.split('\n')[0]}`);
    }
  }
  return found;
}

async function measureAsync(name, call) {
  const chunks = [];
  for (let round = 0; round < CHUNKS; round += 1) {
    let on = 0;
    const from = process.hrtime.bigint();
    for (const key of KEYS) if (await call(key)) on += 1;
    chunks.push(Number(process.hrtime.bigint() - from));
    if (Math.abs(on - 102) > 40) throw new Error(`${on} of 1024 are on`);
  }
  print(name, chunks, 1_024);
}

async function main() {
  const library = process.argv[2];
  if (library === undefined) {
    console.error('usage: node bench.js LIBRARY');
    process.exit(2);
  }
  const own = ours(library);
  const others = await peers();
  for (const one of others) {
    try {
      one[1]();
      const on = one[1]();
      if (Math.abs(on - 102) > 40) throw new Error(`${on} of 1024 are on`);
    } catch (error) {
      console.error(`${one[0]}: left out: ${error.message}`);
      one.length = 0;
    }
  }
  measure([...own, ...others.filter((one) => one.length > 0)]);
  process.exit(0);
}

main();
