/**
 * The environment variables that installs and tasks run with, and the one error that set-up reports.
 *
 * Knows nothing of what is installed. Runs on Node.js 18.
 */
import { delimiter, dirname, join } from 'node:path';

/** What an inherited `npm_config_*` may still say: where packages come from, and how to reach it. */
const keptSettings = new Set([
  'npm_config_registry',
  'npm_config_cafile',
  'npm_config_proxy',
  'npm_config_https_proxy',
]);

/** Something is missing that set-up cannot get by itself. */
export class SetupError extends Error {
  /**
   * @param {string} summary - What is missing, in one sentence.
   * @param {string[]} causes - Each cause with what to do about it.
   */
  constructor(summary, causes) {
    super([summary, ...causes.map((cause) => `  - ${cause}`)].join('\n'));
    this.name = 'SetupError';
  }
}

/**
 * The caller's environment without what `npm run` added to it, which another npm or pnpm would obey.
 *
 * @returns {NodeJS.ProcessEnv} A copy.
 */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        keptSettings.has(name.toLowerCase()) ||
        !/^npm_(config|package|lifecycle|command|execpath|node_execpath)/i.test(name),
    ),
  );
}

/** The environment of an install: a resolver that asks again soon makes a cold install five times faster. */
export function installEnvironment() {
  return { RES_OPTIONS: 'timeout:1 attempts:5', ...cleanEnvironment() };
}

/**
 * The environment of a task: the toolchain first, then the workspace's tools, then the caller's.
 *
 * @param {string} root - The repository.
 * @param {{node: string, pnpm: string, natsServer?: string}} tools - Absolute paths; without a server while it is being found.
 * @returns {NodeJS.ProcessEnv} What to run the task with.
 */
export function taskEnvironment(root, tools) {
  const env = cleanEnvironment();
  const { node, pnpm, natsServer } = tools;
  const folders = [node, pnpm, natsServer].filter(Boolean).map((path) => dirname(path));
  const path = [...folders, join(root, 'node_modules', '.bin'), env.PATH ?? ''].join(delimiter);
  return { ...env, PATH: path, ...(natsServer && { NATS_SERVER: natsServer }) };
}

/** The end of a program's output, for an error message. */
export function lastLines(text, count) {
  return (text ?? '').trim().split('\n').slice(-count).join('\n    ');
}
