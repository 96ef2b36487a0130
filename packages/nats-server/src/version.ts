/**
 * Which nats-server versions will do, and how to ask a binary for its own.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * The oldest server that Wakebus runs on.
 *
 * Recurring and cron message schedules came with 2.14; prioritized pull consumers and one-off schedules with 2.12.
 */
export const minimumServerVersion = '2.14.0';

/** How long a binary may take to say its version, in milliseconds: a sound one takes 20. */
const answerTimeoutMs = 10_000;

/**
 * Asks a nats-server binary for its version.
 *
 * @param path - The binary.
 * @returns The version, as in `2.15.1`.
 * @throws Error when it does not run, or says something else.
 */
export async function serverVersion(path: string): Promise<string> {
  const { stdout } = await execute(path, ['--version'], { timeout: answerTimeoutMs });
  const version = /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (!version) throw new Error(`${path} --version says "${stdout.trim()}", which is no version`);
  return version;
}

/**
 * Orders two versions by their numbers.
 *
 * @param left - A version, as in `2.15.1`.
 * @param right - Another one.
 * @returns Negative, zero or positive, as for `Array.prototype.sort`.
 */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [numbers(left), numbers(right)];
  return a.map((number, index) => number - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

function numbers(version: string): number[] {
  return version.split('.').map(Number);
}
