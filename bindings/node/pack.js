'use strict';
// `node pack.js LIBRARY FOLDER`: the packages as npm takes them, `rollgate` and `@rollgate/PLATFORM`, into a folder.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const [library, folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node pack.js LIBRARY FOLDER');
  process.exit(2);
}
const out = path.resolve(folder);
const platform = `${process.platform}-${process.arch}`;
const file = `rollgate.${platform}.node`;
const whole = JSON.parse(fs.readFileSync(path.join(__dirname, 'package.json'), 'utf8'));
const { name, version, license, engines, devDependencies, ...rest } = whole;
const licenses = ['LICENSE-APACHE', 'LICENSE-MIT'];
const root = path.join(__dirname, '..', '..');

const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'rollgate-pack-'));
try {
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(out, { recursive: true });

  const binary = path.join(stage, 'binary');
  fs.mkdirSync(binary);
  fs.copyFileSync(library, path.join(binary, file));
  fs.writeFileSync(path.join(binary, 'README.md'), `The library of rollgate for ${platform}. Install \`rollgate\` instead.\n`);
  write(binary, {
    ...{ name: `@rollgate/${platform}`, version, license, engines, description: `rollgate for ${platform}` },
    ...{ main: file, files: [file, ...licenses], os: [process.platform], cpu: [process.arch] },
  });
  pack(binary);

  const script = path.join(stage, 'script');
  fs.mkdirSync(script);
  for (const entry of [...rest.files, 'README.md']) {
    fs.cpSync(path.join(__dirname, entry), path.join(script, entry), { recursive: true });
  }
  // Only what is packed beside it: a name that nobody has published yet is nobody's.
  const optionalDependencies = { [`@rollgate/${platform}`]: version };
  write(script, { name, version, license, engines, ...rest, files: [...rest.files, ...licenses], optionalDependencies });
  pack(script);
} finally {
  fs.rmSync(stage, { recursive: true, force: true });
}

function write(place, manifest) {
  for (const text of licenses) fs.copyFileSync(path.join(root, text), path.join(place, text));
  fs.writeFileSync(path.join(place, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function pack(place) {
  const arguments_ = ['pack', '--silent', '--ignore-scripts', '--pack-destination', out];
  const made = execFileSync('npm', arguments_, { cwd: place, encoding: 'utf8', shell: process.platform === 'win32' });
  console.log(path.join(folder, made.trim()));
}
