'use strict';
// Runs a file of bucketing vectors: `node vectors.js FILE` prints `Node: N of M`.

const fs = require('node:fs');
const { Engine, packKeys } = require('..');

/** One plan for all vectors of one salt: a flag for each share. */
function plans(vectors) {
  const bySalt = new Map();
  for (const vector of vectors) {
    if (!bySalt.has(vector.salt)) bySalt.set(vector.salt, []);
    bySalt.get(vector.salt).push(vector);
  }
  return bySalt;
}

function flagOf(salt, ppm) {
  // Shares are written exactly: parts per million as a percentage of four digits.
  return { share: `${ppm / 10_000}%`, bucketing: { salt } };
}

/** How many hold, of how many, and the first that does not. */
function runVectors(vectors) {
  let held = 0;
  let first;
  for (const [salt, list] of plans(vectors)) {
    const shares = [...new Set(list.map((vector) => vector.share_ppm))];
    const flags = Object.fromEntries(shares.map((ppm) => [`F${ppm}`, flagOf(salt, ppm)]));
    const engine = Engine.fromConfig({ version: 1, name: 'vectors', flags });
    for (const vector of list) {
      const name = `F${vector.share_ppm}`;
      const flag = engine.flag(name);
      const packed = packKeys([vector.key]);
      const answers = [
        flag.isOn(vector.key),
        engine.isOn(name, vector.key),
        flag.isOnMany([vector.key])[0] === 1,
        flag.isOnMany(packed.keys, packed.offsets)[0] === 1,
      ];
      const { on, bucket } = flag.evaluate(vector.key);
      const isSame = [...answers, on].every((answer) => answer === vector.on) && (bucket === null || bucket === vector.bucket);
      if (isSame) held += 1;
      else first ??= { vector, answers, on, bucket };
    }
    engine.close();
  }
  return { held, of: vectors.length, first };
}

module.exports = { runVectors };

if (require.main === module) {
  const file = process.argv[2];
  if (file === undefined) {
    console.error('usage: node vectors.js FILE');
    process.exit(2);
  }
  const { held, of, first } = runVectors(JSON.parse(fs.readFileSync(file, 'utf8')).vectors);
  if (first !== undefined) console.error(JSON.stringify(first));
  console.log(`Node: ${held} of ${of}`);
  process.exitCode = held === of ? 0 : 1;
}
