/**
 * The options of agents that may also stand in configuration: their bounds and defaults, and the names and
 * units that configuration has for them. `defineAgent` and every reader of configuration go by these tables.
 *
 * It does not read files: who has read one gives what it found.
 */
import { WakebusError } from './errors.ts';
import { suggestion } from './suggestion.ts';

/** What becomes of an agent that has been idle for long enough: `stop` leaves nothing of it in memory; `pause` keeps its state there, and closes all else. */
export type SleepMode = 'stop' | 'pause';

/** What holds for the agent types of a placement node whose definitions do not say otherwise. */
export interface AgentDefaults {
  /** See `sleep` of `defineAgent`. */
  readonly sleep?: { readonly afterMs?: number; readonly mode?: SleepMode };
  /** See `retry` of `defineAgent`. */
  readonly retry?: { readonly attempts?: number; readonly backoffMs?: number };
}

/** The options of `startPlacementNode` that a configuration stands for. */
export interface Configuration {
  readonly agentDefaults: AgentDefaults;
}

/** An option of `defineAgent` that may be configured. */
export type AgentNumber = 'sleep.afterMs' | 'retry.attempts' | 'retry.backoffMs';

/** Whole numbers that an option of `defineAgent` may be, and which one it is when nobody says. */
export const agentNumbers: Readonly<
  Record<AgentNumber, { readonly least: number; readonly most: number; readonly usual: number }>
> = {
  'sleep.afterMs': { least: 0, most: Number.MAX_SAFE_INTEGER, usual: 900_000 },
  'retry.attempts': { least: 0, most: 1_000, usual: 3 },
  'retry.backoffMs': { least: 0, most: Number.MAX_SAFE_INTEGER, usual: 10_000 },
};

/** One name of configuration. */
export interface ConfigurationName {
  /** The variable of the environment that stands for it. */
  readonly variable: string;
  readonly unit: 'seconds' | 'restarts';
  /** The option of `defineAgent` that it is another name for. */
  readonly option: AgentNumber;
  /** Why the option's default is what it is. */
  readonly reason: string;
}

/** Every name, with its unit and the option that it gives. */
export const configurationNames: Readonly<Record<string, ConfigurationName>> = {
  agentIdleTimeout: {
    variable: 'WAKEBUS_AGENT_IDLE_TIMEOUT',
    unit: 'seconds',
    option: 'sleep.afterMs',
    reason: 'a conversation pauses for minutes; waking again costs milliseconds',
  },
  agentMaxRestarts: {
    variable: 'WAKEBUS_AGENT_MAX_RESTARTS',
    unit: 'restarts',
    option: 'retry.attempts',
    reason: 'what fails four times fails again',
  },
  agentRestartBackoffSeconds: {
    variable: 'WAKEBUS_AGENT_RESTART_BACKOFF_SECONDS',
    unit: 'seconds',
    option: 'retry.backoffMs',
    reason: 'long enough for a restart nearby, short enough to watch; doubles each time',
  },
};

/** What one of a unit is in the option's own. */
const scale = { seconds: 1_000, restarts: 1 } as const;

/** A value, the name that it is of, and what to call it when it is wrong. */
interface Entry {
  readonly name: string;
  readonly label: string;
  readonly value: unknown;
}

/**
 * Reads a configuration: what stands in it, and nothing else.
 *
 * @param given - Numbers by the names of {@link configurationNames}.
 * @throws {WakebusError} `INVALID_OPTION` with the name, for one that is unknown and a value that is wrong.
 */
export function readConfiguration(given: unknown): Configuration {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrong('configuration', 'write an object of numbers by name');
  return configurationOf(Object.entries(given).map(([name, value]) => ({ name, label: name, value })));
}

/**
 * Reads the variables of an environment that stand for names of configuration; the empty ones are not there.
 *
 * Others are left alone, also those that look alike: Kubernetes makes some of the names of services.
 *
 * @throws {WakebusError} `INVALID_OPTION` with the variable.
 */
export function readConfigurationVariables(env: Readonly<Record<string, string | undefined>>): Configuration {
  return configurationOf(
    Object.entries(configurationNames).flatMap(([name, { variable }]) => {
      const text = env[variable]?.trim();
      if (!text) return [];
      return [{ name, label: variable, value: /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text }];
    }),
  );
}

function configurationOf(entries: readonly Entry[]): Configuration {
  const groups: Record<string, Record<string, number>> = {};
  for (const { name, label, value } of entries) {
    const spec = Object.hasOwn(configurationNames, name) ? configurationNames[name] : undefined;
    if (spec === undefined) throw wrong(label, `it is unknown${suggestion(name, Object.keys(configurationNames))}`);
    if (value === undefined) continue;
    const [group, field] = spec.option.split('.') as [string, string];
    groups[group] = { ...groups[group], [field]: valueOf(label, spec, value) };
  }
  return { agentDefaults: groups };
}

/** The defaults of two sources; where both say something, the first holds. */
export function mergeDefaults(first: AgentDefaults, second: AgentDefaults): AgentDefaults {
  return { sleep: { ...second.sleep, ...first.sleep }, retry: { ...second.retry, ...first.retry } };
}

function valueOf(label: string, spec: ConfigurationName, value: unknown): number {
  const { least, most } = agentNumbers[spec.option];
  const factor = scale[spec.unit];
  // Seconds may have a fraction; counts may not.
  const scaled = typeof value === 'number' ? (factor === 1 ? value : Math.round(value * factor)) : Number.NaN;
  if (!Number.isSafeInteger(scaled) || scaled < least || scaled > most) throw wrong(label, advice(spec, value));
  return scaled;
}

function advice({ unit, option }: ConfigurationName, value: unknown): string {
  const { least, most } = agentNumbers[option];
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  const number = unit === 'seconds' ? 'a number of seconds' : 'a whole number of restarts';
  return `write ${number} ${range}, without a unit, not ${JSON.stringify(value) ?? typeof value}`;
}

function wrong(option: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option, why });
}
