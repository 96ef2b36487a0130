/**
 * The toolchain: the Node.js and the pnpm that everything else in this repository runs with.
 *
 * What the machine already has is used when it is new enough; the rest comes from npm, pinned with its
 * integrity in `package-lock.json` beside this file. Runs on Node.js 18. Does not install the
 * workspace's own dependencies: that is `workspace.mjs`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, installEnvironment, lastLines } from './environment.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** The oldest Node.js that strips types without a flag and has all that the sources use. */
const oldestNode = [24, 15];
/** Fetches are repeated soon and thrice: npm's own pauses make someone without a network wait for 70 s. */
const impatience = ['--fetch-retries=3', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=3000'];
/** pnpm's settings file and lockfile change between majors. */
const pnpmMajor = 12;

/**
 * Finds or installs Node.js and pnpm.
 *
 * @param {string} cacheDir - The repository's `.cache`.
 * @returns {{node: string, pnpm: string}} Absolute paths of two executables.
 * @throws {SetupError} Naming each missing tool and how to get it.
 */
export function prepareToolchain(cacheDir) {
  const node = isNewEnough(process.versions.node) ? process.execPath : undefined;
  const pnpm = pnpmOnPath();
  if (node && pnpm) return { node, pnpm };
  const installed = installToolchain(join(cacheDir, 'toolchain'));
  const found = { node: node ?? installed.node, pnpm: pnpm ?? installed.pnpm };
  if (!found.node || !found.pnpm) throw missing(found, installed.output);
  return found;
}

/**
 * Installs the pinned packages, in a folder of their own for each lockfile: what runs from an older one goes on.
 * An all-optional install succeeds with nothing when offline, so what counts is what is there.
 */
function installToolchain(parentDir) {
  const lockfile = readFileSync(join(here, 'package-lock.json'));
  const dir = join(parentDir, createHash('sha256').update(lockfile).digest('hex').slice(0, 12));
  const present = installedIn(dir);
  if (present.node && present.pnpm) return present;
  mkdirSync(dir, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(here, name), join(dir, name));
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...impatience], {
    cwd: dir,
    env: installEnvironment(),
    encoding: 'utf8',
  });
  return { ...installedIn(dir), output: npm.error ? npm.error.message : lastLines(npm.stderr, 5) };
}

function installedIn(dir) {
  const platform = `${process.platform}-${process.arch}`;
  return {
    node: working(join(dir, 'node_modules', `node-${platform}`, 'bin', 'node')),
    pnpm: working(join(dir, 'node_modules', '@pnpm', `exe.${platform}`, 'pnpm')),
  };
}

/** The path when it exists and runs here (a glibc build on a musl system exists, and does not). */
function working(path) {
  if (!existsSync(path)) return undefined;
  return spawnSync(path, ['--version']).status === 0 ? path : undefined;
}

function pnpmOnPath() {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'pnpm'));
  const path = paths.find((candidate) => existsSync(candidate));
  if (!path) return undefined;
  const version = spawnSync(path, ['--version'], { encoding: 'utf8', env: installEnvironment() });
  return version.status === 0 && Number.parseInt(version.stdout, 10) === pnpmMajor ? path : undefined;
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

function missing(found, npmOutput) {
  const causes = [];
  const automatic = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  const platform = `${process.platform} ${process.arch}`;
  if (!found.node) {
    causes.push(
      `Node.js ${oldestNode.join('.')} or newer: this is ${process.versions.node}. Install it and run the command with it.`,
    );
  }
  if (!found.pnpm) causes.push(`pnpm ${pnpmMajor}: put it on the PATH.`);
  causes.push(
    automatic
      ? `They were to come from npm for ${platform}, which gave nothing that runs here. Is the network up? npm said: ${npmOutput || '(nothing)'}`
      : `They are fetched by themselves on Linux (x64, arm64, glibc) only; this is ${platform}.`,
  );
  return new SetupError('The toolchain is incomplete.', causes);
}
