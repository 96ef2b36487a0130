/**
 * Where the server is and how to get in: flags > environment > the folder's dev server > project file
 * > user file > this machine's own server.
 *
 * Secrets come from files and the environment, never from flags, which everyone on the machine can read.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import {
  type AgentDefaults,
  WakebusError,
  configurationNames,
  isWakebusError,
  mergeDefaults,
  readConfiguration,
  readConfigurationVariables,
  suggestion,
} from '@wakebus/protocol';
import type { CliIo } from './cli-io.ts';
import { readDevServer } from './dev/dev-server-file.ts';

/** What may be set, in files by these names. */
export interface Settings {
  /** URLs, separated by commas. */
  readonly servers?: string;
  /** Name of the deployment. */
  readonly prefix?: string;
  /** Path of a NATS credentials file. */
  readonly creds?: string;
}

/** Settings of one source: in a file, what is said about agents stands beside them, by the names of configuration. */
interface SourceSettings extends Settings {
  readonly agentDefaults?: AgentDefaults;
}

/** Settings, and what decided on the server. */
export interface ResolvedSettings extends SourceSettings {
  readonly servers: string;
  readonly serversFrom: string;
}

/** Name of the project file, looked for in the current folder and those above it. */
const PROJECT_FILE = 'wakebus.json';
const DEFAULT_SERVERS = 'nats://127.0.0.1:4222';

/**
 * Finds out what holds for one command.
 *
 * @throws {WakebusError} `INVALID_OPTION` when a settings file cannot be read.
 */
export function resolveSettings(flags: Settings, io: CliIo): ResolvedSettings {
  const sources: ReadonlyArray<{ readonly from: string; readonly settings: SourceSettings }> = [
    { from: 'a flag', settings: flags },
    { from: 'the environment', settings: fromEnvironment(io.env) },
    { from: 'the dev server of this folder', settings: readDevServer(io.cwd) ?? {} },
    ...settingsFiles(io).map((path) => ({ from: path, settings: readSettingsFile(path) })),
  ];
  const pick = (name: keyof Settings): { value: string; from: string } | undefined => {
    const source = sources.find(({ settings }) => settings[name] !== undefined);
    return source && { value: source.settings[name] as string, from: source.from };
  };
  const servers = pick('servers');
  const prefix = pick('prefix')?.value;
  const creds = pick('creds')?.value;
  const defaults = sources.flatMap(({ settings: { agentDefaults } }) => (agentDefaults ? [agentDefaults] : []));
  return {
    servers: servers?.value ?? DEFAULT_SERVERS,
    serversFrom: servers?.from ?? 'the default',
    ...(prefix !== undefined && { prefix }),
    ...(creds !== undefined && { creds }),
    ...(defaults.length > 0 && { agentDefaults: defaults.reduce(mergeDefaults) }),
  };
}

function fromEnvironment(env: CliIo['env']): SourceSettings {
  const servers = env['WAKEBUS_SERVERS']?.trim() || env['NATS_URL']?.trim();
  const prefix = env['WAKEBUS_PREFIX']?.trim();
  const creds = env['WAKEBUS_CREDS']?.trim() || env['NATS_CREDS']?.trim();
  const { agentDefaults } = readConfigurationVariables(env);
  return {
    ...(servers && { servers }),
    ...(prefix && { prefix }),
    ...(creds && { creds }),
    ...(Object.keys(agentDefaults).length > 0 && { agentDefaults }),
  };
}

/** The nearest project file, then the user's own, as far as they exist. */
function settingsFiles({ cwd, env }: CliIo): string[] {
  const home = env['HOME'] ?? homedir();
  const user = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'wakebus', 'config.json');
  const project = nearest(cwd, PROJECT_FILE);
  return [...(project === undefined ? [] : [project]), ...(existsSync(user) ? [user] : [])];
}

/** A file of this name in a folder or the nearest one above it. */
function nearest(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  return dirname(folder) === folder ? undefined : nearest(dirname(folder), name);
}

const TEXTS: readonly string[] = ['servers', 'prefix', 'creds'];

function readSettingsFile(path: string): SourceSettings {
  const texts: Record<string, string> = {};
  const numbers: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parse(path))) {
    if (Object.hasOwn(configurationNames, name)) numbers[name] = value;
    else if (!TEXTS.includes(name))
      throw invalid(
        path,
        `"${name}" is not a setting${suggestion(name, [...TEXTS, ...Object.keys(configurationNames)])}`,
      );
    else if (typeof value === 'string') texts[name] = value;
    else throw invalid(path, `"${name}" is not text`);
  }
  const { creds, ...others }: Settings = texts;
  return {
    ...others,
    ...(creds !== undefined && { creds: resolve(dirname(path), creds) }),
    ...(Object.keys(numbers).length > 0 && { agentDefaults: agentDefaultsOf(path, numbers) }),
  };
}

function agentDefaultsOf(path: string, numbers: object): AgentDefaults {
  try {
    return readConfiguration(numbers).agentDefaults;
  } catch (error) {
    if (!isWakebusError(error, 'INVALID_OPTION')) throw error;
    throw invalid(path, `"${error.facts.option}": ${error.facts.why}`);
  }
}

function parse(path: string): object {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw invalid(path, `it is not JSON (${(cause as Error).message})`);
  }
  throw invalid(path, 'it is not a JSON object');
}

function invalid(path: string, why: string): WakebusError {
  return new WakebusError('INVALID_OPTION', { option: path, why });
}
