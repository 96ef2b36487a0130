/**
 * The workspace made ready: toolchain, dependencies and nats-server, installed when something has changed.
 *
 * A stamp in `.cache` holds a hash of everything that decides what is installed, so that a warm start
 * costs a few reads. Two runs at once wait for each other. Runs on Node.js 18.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, installEnvironment, lastLines, taskEnvironment } from './environment.mjs';
import { prepareToolchain } from './toolchain.mjs';

/** How often a run looks whether the other one that is installing has finished. */
const lockPollMs = 200;

/**
 * Makes the workspace ready to run tasks in.
 *
 * @param {string} root - The repository.
 * @returns {{node: string, pnpm: string, natsServer: string}} The tools, as absolute paths.
 * @throws {SetupError} Naming what is missing and how to get it.
 */
export function prepareWorkspace(root) {
  const fresh = readStamp(root);
  if (fresh) return fresh;
  const unlock = lock(join(root, '.cache'));
  try {
    return readStamp(root) ?? install(root);
  } finally {
    unlock();
  }
}

function install(root) {
  const startedMs = Date.now();
  const cacheDir = join(root, '.cache');
  console.error('Setting up: Node.js, pnpm, dependencies, nats-server …');
  const { node, pnpm } = prepareToolchain(cacheDir);
  installDependencies(root, node, pnpm);
  const tools = { node, pnpm, natsServer: findNatsServer(root, node, cacheDir) };
  writeStamp(root, tools);
  console.error(`Ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s.`);
  return tools;
}

function installDependencies(root, node, pnpm) {
  const env = { ...installEnvironment(), PATH: taskEnvironment(root, { node, pnpm }).PATH };
  const result = spawnSync(pnpm, ['install', '--reporter=append-only'], { cwd: root, env, encoding: 'utf8' });
  if (result.status === 0) return;
  const output = result.error ? result.error.message : lastLines(`${result.stdout}\n${result.stderr}`, 12);
  throw new SetupError('The dependencies could not be installed.', [`Is the network up? pnpm said: ${output}`]);
}

/** The search itself belongs to `packages/nats-server`, which npm users have too. */
function findNatsServer(root, node, cacheDir) {
  const main = join(root, 'packages', 'nats-server', 'src', 'fetch-main.ts');
  const result = spawnSync(node, [main, '--cache-dir', join(cacheDir, 'nats-server')], {
    env: installEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.status !== 0) throw new SetupError('There is no nats-server to run with.', [lastLines(result.stderr, 20)]);
  return result.stdout.trim();
}

/** The tools of the last install, unless something has changed or gone since. */
function readStamp(root) {
  try {
    const stamp = JSON.parse(readFileSync(join(root, '.cache', 'setup.json'), 'utf8'));
    const present = [stamp.tools.node, stamp.tools.natsServer, join(root, 'node_modules', '.modules.yaml')].every(
      (path) => existsSync(path),
    );
    return present && stamp.hash === hashOfInputs(root) ? stamp.tools : undefined;
  } catch {
    return undefined; // No stamp, or one that cannot be read: install, which writes a new one.
  }
}

function writeStamp(root, tools) {
  const path = join(root, '.cache', 'setup.json');
  writeFileSync(`${path}.${process.pid}`, JSON.stringify({ hash: hashOfInputs(root), tools }));
  renameSync(`${path}.${process.pid}`, path);
}

/** Everything that decides what is installed. The install writes the lockfile, so this is read after it too. */
function hashOfInputs(root) {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([process.platform, process.arch, process.env.NATS_SERVER ?? '']));
  for (const path of inputs(root)) hash.update(`${path}\n`).update(existsSync(path) ? readFileSync(path) : 'absent');
  return hash.digest('hex');
}

function inputs(root) {
  const members = ['packages', 'examples'].flatMap((dir) =>
    existsSync(join(root, dir))
      ? readdirSync(join(root, dir)).map((name) => join(root, dir, name, 'package.json'))
      : [],
  );
  const top = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', join('.setup', 'package-lock.json')];
  return [...top.map((name) => join(root, name)), ...members.sort()];
}

/** Takes the one right to install here, waiting for a run that has it and lives. */
function lock(cacheDir) {
  mkdirSync(cacheDir, { recursive: true });
  const path = join(cacheDir, 'setup.lock');
  while (!take(path)) {
    if (!holderLives(path)) rmSync(path, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockPollMs);
  }
  return () => rmSync(path, { force: true });
}

function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

function holderLives(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (!pid) return true; // Just made, and not yet written.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM' || error.code === 'ENOENT';
  }
}
