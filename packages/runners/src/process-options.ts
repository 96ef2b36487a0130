/** The options of a process runner: what is unknown or wrong is refused before anything is started. */
import { WakebusError, suggestion } from '@wakebus/protocol';

/** How a program is started, and what it may take. */
export interface ProcessOptions {
  /** The program and its arguments: `['python3', 'agent.py']`. No shell reads it. */
  readonly command: readonly string[];
  /** The folder that it is started in. @default that of the placement node */
  readonly cwd?: string;
  /** Its environment, besides `WAKEBUS_…`, `PATH`, `LANG` and `TZ`. Nothing else of the placement node's own is passed on: there may be secrets in it. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it may use the network. @default false – what an agent may reach should be said */
  readonly network?: boolean;
  /** Folders that it may write to, besides a `/tmp` of its own. Holds where bubblewrap is there. @default none */
  readonly writable?: readonly string[];
  /** `require`: the placement node does not start where the network, files and processes of programs cannot be kept apart. `prefer`: it says what is missing, and goes on. @default "prefer" – a laptop should start it */
  readonly sandbox?: 'require' | 'prefer';
  readonly limits?: ProcessLimits;
  readonly health?: HealthOptions;
}

/** What a program may take. */
export interface ProcessLimits {
  /** It must say `hello` within so long of its start, in milliseconds. @default 10,000 – an interpreter that imports much takes seconds */
  readonly startMs?: number;
  /** It must answer an event within so long, in milliseconds. @default 60,000 – what takes longer should say so */
  readonly eventMs?: number;
  /** It may end so long after it has been asked to, in milliseconds; then it is killed. @default 5,000 – half of what a drain takes */
  readonly stopMs?: number;
  /** Memory of each of its processes, in MiB (data segments, `RLIMIT_DATA`). @default 1,024 – Node.js asks for 575 of it at its start, most of which it never touches; Python for 10 */
  readonly memoryMb?: number;
  /** CPU time of each of its processes, from their starts, in seconds (`RLIMIT_CPU`). @default none – a program may live for long */
  readonly cpuSeconds?: number;
  /** Open files of each of its processes. @default 256 */
  readonly openFiles?: number;
}

/** Whether a program between two events still listens. */
export interface HealthOptions {
  /** Between two pings, in milliseconds. @default 30,000 */
  readonly intervalMs?: number;
  /** For its answer, in milliseconds. @default 5,000 */
  readonly timeoutMs?: number;
  /** Missed in a row, it is killed; its agent's next event starts another. @default 3 */
  readonly misses?: number;
}

/** {@link ProcessOptions} with every default filled in. */
export interface ProcessSpec {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly network: boolean;
  readonly writable: readonly string[];
  readonly sandbox: 'require' | 'prefer';
  readonly limits: Required<Omit<ProcessLimits, 'cpuSeconds'>> & Pick<ProcessLimits, 'cpuSeconds'>;
  readonly health: Required<HealthOptions>;
}

const LIMITS = { startMs: 10_000, eventMs: 60_000, stopMs: 5_000, memoryMb: 1_024, openFiles: 256 } as const;
const HEALTH = { intervalMs: 30_000, timeoutMs: 5_000, misses: 3 } as const;
const OPTIONS = ['command', 'cwd', 'env', 'network', 'writable', 'sandbox', 'limits', 'health'] as const;

/** @throws {WakebusError} `INVALID_OPTION`, naming the option. */
export function readProcessOptions(options: ProcessOptions): ProcessSpec {
  known(options, OPTIONS, '');
  const { command, cwd, env = {}, network = false, writable = [], sandbox = 'prefer', limits, health } = options;
  const [program, ...args] = texts('command', command);
  if (program === undefined || program === '') throw wrong('command', 'name a program');
  if (cwd !== undefined && typeof cwd !== 'string') throw wrong('cwd', 'write a path');
  if (sandbox !== 'require' && sandbox !== 'prefer') throw wrong('sandbox', 'write "require" or "prefer"');
  if (typeof network !== 'boolean') throw wrong('network', 'write true or false');
  texts('env', Object.values(env));
  return {
    command: [program, ...args],
    cwd,
    env,
    network,
    writable: texts('writable', writable),
    sandbox,
    limits: numbers<ProcessSpec['limits']>('limits', LIMITS, ['cpuSeconds'], limits),
    health: numbers<ProcessSpec['health']>('health', HEALTH, [], health),
  };
}

/** A group of whole numbers above 0, over their defaults. */
function numbers<T extends object>(group: string, defaults: T, optional: readonly string[], given: Partial<T> = {}): T {
  known(given, [...Object.keys(defaults), ...optional], `${group}.`);
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set)
    if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > 2_000_000_000)
      throw wrong(`${group}.${name}`, 'write a whole number from 1 to 2000000000');
  return { ...defaults, ...Object.fromEntries(set) };
}

function known(given: object, names: readonly string[], prefix: string): void {
  if (typeof given !== 'object' || given === null) throw wrong(prefix.slice(0, -1) || 'options', 'write an object');
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw wrong(prefix + unknown, `it is unknown${suggestion(unknown, [...names])}`);
}

function texts(option: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw wrong(option, 'write texts');
}

function wrong(option: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option: `process: ${option}`, why });
}
