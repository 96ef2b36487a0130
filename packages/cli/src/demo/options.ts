/**
 * What can be said to the demo on its command line.
 */
import { parseArgs } from 'node:util';

/** A guarantee that the demo can turn off, to show that its proof notices. */
export type Break = 'gateway-dedupe' | 'server-dedupe' | 'record-dedupe' | 'dedupe' | 'cas' | 'effect-keys';

/** Every {@link Break}, with what it does. */
export const breaks: Readonly<Record<Break, string>> = {
  'gateway-dedupe': 'the gateway forgets deliveries at once',
  'server-dedupe': 'the server forgets message IDs at once',
  'record-dedupe': 'the records forget message IDs at once',
  dedupe: 'all three of them forget',
  cas: 'commits overwrite whatever is there',
  'effect-keys': 'GitHub takes every summary for a new one, whatever its key',
};

/** How one run of the demo goes. */
export interface DemoOptions {
  /** Decides what is sent twice, and when the faults come. @default 1 */
  readonly seed: number;
  /** Runs so many seeds, one after the other, from `seed` on. @default 1 */
  readonly seeds: number;
  /** The guarantee to turn off. @default none */
  readonly broken: Break | undefined;
  /** Short waits, for tests: the paused node comes back within its lease. @default false */
  readonly fast: boolean;
  /** Keeps server and placement nodes running at the end, until Ctrl-C. @default false */
  readonly hold: boolean;
}

/** What `--help` prints. */
const usage: string = `Usage: wakebus demo [options]

One agent slept 880 days: replays 329 recorded GitHub deliveries, signed and over HTTP,
through two placement nodes while one is killed, the other is paused and gateway and server
are restarted, and compares every state with a plain fold of the same files. Each agent
posts one summary to a GitHub that counts.

  --seed N      what is sent twice, and when the faults come (default 1)
  --seeds N     so many seeds, one after the other
  --break WHAT  turn a guarantee off, and see that the comparison fails:
${Object.entries(breaks)
  .map(([name, what]) => `                ${name.padEnd(15)} ${what}`)
  .join('\n')}
  --fast        short waits, for tests
  --hold        keep everything running at the end, until Ctrl-C, to look around
  --help

Exit code: 0 when every state is right, 1 when one is not, 2 for wrong options.`;

/**
 * Reads the command line.
 *
 * @returns The options, or what to print instead of a run, with its exit code.
 */
export function readOptions(argv: readonly string[]): DemoOptions | { readonly print: string; readonly code: number } {
  try {
    const { values } = parseArgs({ args: [...argv], options: flags });
    if (values.help) return { print: usage, code: 0 };
    const broken = values.break as Break | undefined;
    if (broken !== undefined && !(broken in breaks))
      return { print: `--break takes one of: ${Object.keys(breaks).join(', ')}`, code: 2 };
    const [seed, seeds] = [values.seed, values.seeds].map((text) => (/^\d{1,9}$/.test(text) ? Number(text) : 0));
    if (!seed || !seeds) return { print: '--seed and --seeds take a whole number above 0', code: 2 };
    return { seed, seeds, broken, fast: values.fast, hold: values.hold };
  } catch (error) {
    return { print: `${(error as Error).message}\n\n${usage}`, code: 2 };
  }
}

const flags = {
  seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1' },
  break: { type: 'string' },
  fast: { type: 'boolean', default: false },
  hold: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
