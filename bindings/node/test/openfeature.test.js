'use strict';
// The provider, through OpenFeature's own client.

const assert = require('node:assert/strict');
const { OpenFeature, ProviderEvents } = require('@openfeature/server-sdk');
const test = require('node:test');
const { Engine } = require('..');
const { RollgateProvider } = require('../openfeature.js');

const PLAN = `
version: 1
name: provided
flags:
  ON: { share: 100% }
  HALF: { share: 50% }
  OFF: { enabled: false }
  SIZE: { share: 100%, variants: { small: { value: 10, share: 100% } } }
  TEXT: { share: 100%, variants: { a: { value: hello, share: 100% } } }
  TREE: { share: 100%, type: json, variants: { a: { value: { b: [1] }, share: 100% } } }
  RULED: { share: 0%, rules: [ { when: { attribute: country, equals: DE }, serve: true } ] }
`;

test('a client gets what the engine says, and its errors', async () => {
  const engine = Engine.fromText(PLAN);
  await OpenFeature.setProviderAndWait(new RollgateProvider(engine));
  const client = OpenFeature.getClient();
  const user = { targetingKey: 'user-1' };
  const details = await client.getBooleanDetails('HALF', false, user);
  const { on, bucket, reason, variant, version } = engine.evaluate('HALF', 'user-1');
  assert.deepEqual([details.value, details.reason, details.variant], [on, reason, variant]);
  assert.deepEqual(details.flagMetadata, { share: 0.5, version, bucket });
  const rows = [
    [await client.getBooleanDetails('ON', false, user), true, 'STATIC', undefined],
    [await client.getBooleanDetails('RULED', false, { ...user, country: 'DE' }), true, 'TARGETING_MATCH', undefined],
    [await client.getBooleanDetails('OFF', true, user), true, 'DISABLED', undefined],
    [await client.getNumberDetails('SIZE', 1, user), 10, 'STATIC', undefined],
    [await client.getStringDetails('TEXT', 'x', user), 'hello', 'STATIC', undefined],
    [await client.getObjectDetails('TREE', {}, user), { b: [1] }, 'STATIC', undefined],
    [await client.getBooleanDetails('NO_SUCH', true, user), true, 'ERROR', 'FLAG_NOT_FOUND'],
    [await client.getBooleanDetails('SIZE', true, user), true, 'ERROR', 'TYPE_MISMATCH'],
    [await client.getNumberDetails('TEXT', 7, user), 7, 'ERROR', 'TYPE_MISMATCH'],
    [await client.getBooleanDetails('HALF', true), true, 'ERROR', 'TARGETING_KEY_MISSING'],
    [await client.getBooleanDetails('HALF', true, { targetingKey: 7 }), true, 'ERROR', 'INVALID_CONTEXT'],
  ];
  for (const [found, value, reason, code] of rows) {
    assert.deepEqual([found.value, found.reason, found.errorCode], [value, reason, code], found.flagKey);
  }
  const changed = new Promise((tell) => client.addHandler(ProviderEvents.ConfigurationChanged, tell));
  engine.setShares({ HALF: 1 });
  assert.deepEqual((await changed).flagsChanged, ['HALF']);
  assert.equal(await client.getBooleanValue('HALF', false, user), true);
  await OpenFeature.close();
  engine.close();
  assert.throws(() => new RollgateProvider({}), TypeError);
});
