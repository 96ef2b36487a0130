/**
 * The options of `defineAgent`, name by name: what is unknown or wrong is refused before anything uses it.
 *
 * What the values mean, and their defaults, is in `define-agent.ts`.
 */
import { type AgentNumber, WakebusError, agentNumbers, suggestion } from '@wakebus/protocol';
import { gateFault } from './gate/gate.ts';
import { snapshotOccasions } from './snapshot-rules.ts';

/** Says what is wrong with a value, as the end of a sentence, or nothing. */
type Check = (value: unknown, options: Readonly<Record<string, unknown>>) => string | undefined;

/** Either a check of a value, or the table of a group of options. */
type Table = { readonly [option: string]: Check | Table };

const MOST = Number.MAX_SAFE_INTEGER;

/** What a placement node may give for the types that do not say it. */
const defaultsTable = {
  sleep: { afterMs: within('sleep.afterMs'), mode: isSleepMode },
  retry: { attempts: within('retry.attempts'), backoffMs: within('retry.backoffMs') },
} satisfies Table;

const table: Table = {
  type: (value) => (typeof value === 'string' ? undefined : 'write the name of the agent type'),
  machine: isMachine,
  version: whole(1, MOST),
  input: isFunction,
  ...defaultsTable,
  onPoison: (value) => (value === 'skip' || value === 'stop' ? undefined : 'write "skip" or "stop"'),
  isolation: {
    module: isModule,
    export: (value) => (typeof value === 'string' && value !== '' ? undefined : 'write the name of an export'),
    turnTimeoutMs: whole(10, 3_600_000),
    maxHeapMb: whole(16, 65_536),
    threads: whole(1, 64),
  },
  runner: isRunner,
  dedupe: { horizonMs: whole(1, MOST) },
  gate: gateFault,
  migrate: isMigrations,
  previous: isPrevious,
  rebirth: (value) => (value === 'allow' || value === 'forbid' ? undefined : 'write "allow" or "forbid"'),
  completed: { keepMs: whole(0, MOST) },
  snapshots: {
    everyTurns: whole(1, MOST),
    everyMs: whole(1_000, MOST),
    on: isOccasions,
    keep: { count: whole(1, 1_000), maxAgeMs: whole(1_000, MOST) },
  },
  schemas: (value) => (isRecord(value) ? undefined : 'write an object of schemas, by event'),
  routes: isRoutes,
  workspace: {
    maxBytes: whole(1, MOST),
    maxFiles: whole(1, 1_000_000),
    ignore: isPatterns,
    times: (value) => (typeof value === 'boolean' ? undefined : 'write true or false'),
  },
};

const required = ['type', 'machine'];

/**
 * Checks what was given to `defineAgent`.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function checkOptions(options: unknown): void {
  if (!isRecord(options)) throw wrong('options', 'write an object');
  for (const option of required) if (options[option] === undefined) throw wrong(option, 'it is missing');
  checkGroup(table, options, '', options);
  const { isolation } = options;
  if (isRecord(isolation) && isolation['module'] === undefined)
    throw wrong('isolation.module', 'it is missing; write import.meta.url');
}

/**
 * Checks the defaults of a placement node.
 *
 * @throws {WakebusError} `INVALID_OPTION`, naming the option.
 */
export function checkDefaults(defaults: unknown): void {
  if (!isRecord(defaults)) throw wrong('agentDefaults', 'write an object with sleep, retry');
  checkGroup(defaultsTable, defaults, 'agentDefaults.', defaults);
}

function checkGroup(
  group: Table,
  given: Readonly<Record<string, unknown>>,
  prefix: string,
  options: Readonly<Record<string, unknown>>,
): void {
  for (const [option, value] of Object.entries(given)) {
    const name = prefix + option;
    if (!Object.hasOwn(group, option)) throw wrong(name, `it is unknown${suggestion(option, Object.keys(group))}`);
    const check = group[option];
    if (value === undefined || check === undefined) continue;
    if (typeof check === 'function') {
      const why = check(value, options);
      if (why !== undefined) throw wrong(name, why);
    } else {
      if (!isRecord(value)) throw wrong(name, `write an object with ${Object.keys(check).join(', ')}`);
      checkGroup(check, value, `${name}.`, options);
    }
  }
}

function wrong(option: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option, why });
}

function within(option: AgentNumber): Check {
  const { least, most } = agentNumbers[option];
  return whole(least, most);
}

function isRunner(value: unknown, options: Readonly<Record<string, unknown>>): string | undefined {
  const isOne = isRecord(value) && typeof value['prepare'] === 'function' && typeof value['start'] === 'function';
  if (!isOne) return 'write a runner, as @wakebus/runners makes them';
  if (options['isolation'] !== undefined) return 'a program runs apart already; leave isolation out';
  return options['workspace'] === undefined ? undefined : 'programs have no workspace yet; leave it out';
}

function isSleepMode(value: unknown): string | undefined {
  return value === 'stop' || value === 'pause' ? undefined : 'write "stop" or "pause"';
}

function whole(least: number, most: number): Check {
  const range = most === MOST ? `from ${least} on` : `from ${least} to ${most}`;
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `write a whole number ${range}, not ${shown(value)}`;
}

function isFunction(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : `write a function, not ${shown(value)}`;
}

function isModule(value: unknown): string | undefined {
  const isUrl = typeof value === 'string' && /^(file|data):/.test(value);
  return isUrl ? undefined : `write the URL of a module, as import.meta.url gives it, not ${shown(value)}`;
}

/** By its mark and not by its class: there may be two copies of XState in a process. */
function isMachine(value: unknown): string | undefined {
  const isOne = isRecord(value) && value['__xstatenode'] === true && typeof value['resolveState'] === 'function';
  return isOne ? undefined : 'write a state machine, made by createMachine() or setup().createMachine() of XState 5';
}

function isOccasions(value: unknown): string | undefined {
  const isList =
    Array.isArray(value) && value.every((each) => (snapshotOccasions as readonly unknown[]).includes(each));
  return isList ? undefined : `write a list of ${snapshotOccasions.map((name) => `"${name}"`).join(', ')}`;
}

function isMigrations(value: unknown, options: Readonly<Record<string, unknown>>): string | undefined {
  if (!isRecord(value)) return 'write an object of functions, by version';
  const version = (options['version'] as number | undefined) ?? 1;
  for (const [key, step] of Object.entries(value)) {
    const to = Number(key);
    if (!Number.isInteger(to) || to < 2) return `"${key}" is not a version that can be migrated to; the first is 2`;
    if (to > version) return `it has a step to version ${to}, and the version is ${version}`;
    if (typeof step !== 'function') return `step ${to} is not a function`;
  }
  return undefined;
}

function isPrevious(value: unknown, options: Readonly<Record<string, unknown>>): string | undefined {
  if (!Array.isArray(value)) return 'write a list of machines, oldest first';
  const version = (options['version'] as number | undefined) ?? 1;
  if (value.length >= version)
    return `it lists ${value.length} older machines, and version ${version} has only ${version - 1} before it`;
  const at = value.findIndex((machine) => isMachine(machine) !== undefined);
  return at < 0 ? undefined : `element ${at} is not a state machine`;
}

function isRoutes(value: unknown): string | undefined {
  if (!isRecord(value)) return 'write an object of event names, by path';
  for (const [path, event] of Object.entries(value)) {
    if (typeof event !== 'string') return `"${path}" names no event`;
    if (!/^:?[A-Za-z0-9_-]+(?:\/:?[A-Za-z0-9_-]+)*$/.test(path) || !path.split('/').includes(':id'))
      return `"${path}" is no path with a place :id, as invoices/:id/paid`;
  }
  return undefined;
}

function isPatterns(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');
  return isList ? undefined : 'write a list of names or paths, such as ["node_modules", "*.tmp"]';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' || value === null
    ? String(value)
    : `a value of type ${typeof value}`;
}
