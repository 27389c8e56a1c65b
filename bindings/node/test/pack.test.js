'use strict';
// The packages, installed into an empty project without the repository in reach: the lines of the README run there.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { root } = require('./setup.js');

const packed = path.join(root, 'target', 'node-pack');
const tarballs = fs.existsSync(packed) ? fs.readdirSync(packed).filter((name) => name.endsWith('.tgz')) : [];
const skip = tarballs.length === 0 && 'run `cargo xtask node-pack` first';

/** The first fenced block of a language. */
function block(text, language) {
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text);
  assert.ok(found, `a block of ${language}`);
  return found[1];
}

function inProject(install, use) {
  const project = fs.mkdtempSync(path.join(os.tmpdir(), 'rollgate-project-'));
  const run = (program, ...given) => {
    const shell = program === 'npm' && process.platform === 'win32';
    return spawnSync(program, given, { cwd: project, encoding: 'utf8', shell, timeout: 120_000 });
  };
  try {
    fs.writeFileSync(path.join(project, 'package.json'), '{ "name": "empty", "private": true }\n');
    // Offline: the packages need nothing else.
    const paths = tarballs.filter(install).map((name) => path.join(packed, name));
    const installed = run('npm', 'install', '--offline', '--no-audit', '--no-fund', ...paths);
    assert.equal(installed.status, 0, installed.stderr);
    use((...given) => run(process.execPath, ...given), project);
  } finally {
    fs.rmSync(project, { recursive: true, force: true });
  }
}

test('the README runs in an empty project, as CommonJS and as an ES module', { skip }, () => {
  assert.equal(tarballs.length, 2, `${tarballs}`);
  const readme = fs.readFileSync(path.join(root, 'bindings', 'node', 'README.md'), 'utf8');
  const [lines, prints] = [block(readme, 'js'), block(readme, 'text')];
  inProject(
    () => true,
    (node, project) => {
      fs.writeFileSync(path.join(project, 'quick.js'), lines);
      const module = lines.replace("const { Engine } = require('rollgate');", "import { Engine } from 'rollgate';");
      fs.writeFileSync(path.join(project, 'quick.mjs'), module);
      for (const file of ['quick.js', 'quick.mjs']) {
        const { status, stdout, stderr } = node(file);
        assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: prints, stderr: '' }, file);
      }
      assert.ok(!fs.existsSync(path.join(project, 'node_modules', 'rollgate', 'test')));
      const { scripts, devDependencies } = JSON.parse(
        fs.readFileSync(path.join(project, 'node_modules', 'rollgate', 'package.json'), 'utf8'),
      );
      assert.deepEqual({ scripts, devDependencies }, { scripts: undefined, devDependencies: undefined });
    },
  );
});

test('without the library of the platform the error names its package', { skip }, () => {
  const project = fs.mkdtempSync(path.join(os.tmpdir(), 'rollgate-project-'));
  try {
    const home = path.join(project, 'node_modules', 'rollgate');
    const from = path.join(root, 'bindings', 'node');
    for (const entry of ['package.json', 'index.js', 'lib']) fs.cpSync(path.join(from, entry), path.join(home, entry), { recursive: true });
    const source = "try { require('rollgate') } catch (error) { console.log(error.code, error.package, error.message) }";
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', source], { cwd: project, encoding: 'utf8' });
    const name = `@rollgate/${process.platform}-${process.arch}`;
    assert.ok(stdout.startsWith(`ERR_ROLLGATE_NO_LIBRARY ${name} rollgate has no library for`), stdout + stderr);
    assert.ok(stdout.includes(`install ${name}`), stdout);
    // One that is there and broken is not called missing.
    fs.writeFileSync(path.join(home, `rollgate.${process.platform}-${process.arch}.node`), 'no library');
    const broken = spawnSync(process.execPath, ['-e', source], { cwd: project, encoding: 'utf8' });
    assert.match(broken.stdout, /does not load/);
  } finally {
    fs.rmSync(project, { recursive: true, force: true });
  }
});
