/** What `setup.mjs` says on a machine that lacks something: one message, with how to get it. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Nobody listens there: what would be fetched cannot be. */
const NOWHERE = 'http://127.0.0.1:1';

let root: string;
let bin: string;

/** A clone with nothing installed, on a machine that has the programs of `bin` only. Its npm is the real one, and does not wait to try again. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wakebus-set-up-'));
  bin = join(root, 'bin');
  mkdirSync(bin);
  for (const name of ['setup.mjs', '.setup']) cpSync(name, join(root, name), { recursive: true });
  symlinkSync(resolve('packages'), join(root, 'packages'));
  writeFileSync(join(root, 'package.json'), '{"name":"clone","private":true}');
  writeFileSync(join(root, 'pnpm-workspace.yaml'), 'packages: []\npmOnFail: ignore\nfetchRetries: 0\n');
  for (const name of ['sh', 'env']) install(name);
  program('npm', `exec ${real('npm')} "$@" --fetch-retries=0`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Where a program lies on this machine. */
function onPath(name: string, isWanted: (path: string) => boolean = () => true): string | undefined {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return paths.find((path) => existsSync(path) && isWanted(path));
}

/** A program of this machine. */
function real(name: string, path: string | undefined = onPath(name)): string {
  if (path === undefined) throw new Error(`${name} is not on the PATH`);
  return realpathSync(path);
}

/** Puts a program of this machine on that one. */
function install(name: string, path?: string): void {
  symlinkSync(real(name, path), join(bin, name));
}

/** Puts a script on that machine. */
function program(name: string, script: string): string {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function setUp(
  env: Readonly<Record<string, string>> = {},
  task: readonly string[] = ['test'],
): SpawnSyncReturns<string> {
  return spawnSync(join(bin, 'node'), ['setup.mjs', ...task], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: bin, HOME: root, XDG_CACHE_HOME: root, npm_config_registry: NOWHERE, ...env },
  });
}

/** Everything but the line that says that it has begun. */
function messageOf({ stderr }: SpawnSyncReturns<string>): string {
  return stderr.replace(/^Setting up: .*\n/, '');
}

test('offline it names what is missing, and how to get each', () => {
  install('node', process.execPath);

  const result = setUp();

  expect([result.status, result.stdout]).toEqual([1, '']);
  expect(messageOf(result)).toMatch(
    /^The toolchain is incomplete\.\n {2}- pnpm 12: put it on the PATH\.\n {2}- They were to come from npm for \w+ \w+, .* Is the network up\? npm said: /,
  );
});

const oldNode = onPath('node', (path) => /^v(18|20|22)\./.test(spawnSync(path, ['--version']).stdout.toString()));

test.runIf(oldNode !== undefined)('offline with an old Node.js it says which one it wants', () => {
  install('node', oldNode);

  const result = setUp();

  expect(result.status).toBe(1);
  expect(messageOf(result)).toMatch(
    /^The toolchain is incomplete\.\n {2}- Node\.js 24\.15 or newer: this is \d+\.\d+\.\d+\. Install it and run the command with it\.\n {2}- pnpm 12/,
  );
});

test('on a platform for which nothing is packed it says so, and does not blame the network', () => {
  install('node', process.execPath);
  const pretence = join(root, 'pretence.mjs');
  writeFileSync(pretence, "Object.defineProperty(process, 'platform', { value: 'freebsd' });");

  const result = setUp({ NODE_OPTIONS: `--import=${pretence}` });

  expect(result.status).toBe(1);
  expect(messageOf(result)).toMatch(
    /^The toolchain is incomplete\.\n {2}- pnpm 12: put it on the PATH\.\n {2}- They are fetched by themselves on Linux \(x64, arm64, glibc\) only; this is freebsd \w+\.\n$/,
  );
});

test('offline with the toolchain it says that the dependencies are missing, in the words of pnpm', () => {
  install('node', process.execPath);
  install('pnpm');
  const dependencies = { xstate: `${NOWHERE}/xstate.tgz` };
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'clone', private: true, dependencies }));

  const result = setUp();

  expect(result.status).toBe(1);
  expect(messageOf(result)).toMatch(
    /^The dependencies could not be installed\.\n {2}- Is the network up\? pnpm said: [^]*127\.0\.0\.1:1/,
  );
});

test('with a server that is too old it says which one, which version, and what it wants', () => {
  install('node', process.execPath);
  install('pnpm');
  const path = program('nats-server', `echo 'nats-server: v2.9.10'`);

  const result = setUp({ NATS_SERVER: path });

  expect(result.status).toBe(1);
  expect(messageOf(result)).toBe(
    `There is no nats-server to run with.\n  - NATS_SERVER names ${path}, version 2.9.10; 2.14.0 or newer is needed. Install a newer one, or unset it to have one fetched.\n`,
  );
});

test('without a task it says which there are', () => {
  install('node', process.execPath);

  const result = setUp({}, []);

  expect(result.status).toBe(1);
  expect(messageOf(result)).toMatch(/^Say what to run: .*\n {2}- Tasks: demo, test, verify/);
});
