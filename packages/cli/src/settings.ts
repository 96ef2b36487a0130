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
import type { SourcesConfig } from './sources/read-sources.ts';

/** What may be set, in files by these names. */
export interface Settings {
  /** URLs, separated by commas. */
  readonly servers?: string;
  /** Name of the deployment. */
  readonly prefix?: string;
  /** Path of a NATS credentials file. */
  readonly creds?: string;
}

/** Settings of one place: in a file, what is said about agents stands beside them, by the names of configuration. */
interface PlaceSettings extends Settings {
  readonly agentDefaults?: AgentDefaults;
  /** Ways in that `wakebus dev` runs. Only files say so. */
  readonly sources?: SourcesConfig;
}

/** Settings, and what decided on the server. */
export interface ResolvedSettings extends PlaceSettings {
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
  const places: ReadonlyArray<{ readonly from: string; readonly settings: PlaceSettings }> = [
    { from: 'a flag', settings: flags },
    { from: 'the environment', settings: fromEnvironment(io.env) },
    { from: 'the dev server of this folder', settings: readDevServer(io.cwd) ?? {} },
    ...settingsFiles(io).map((path) => ({ from: path, settings: readSettingsFile(path) })),
  ];
  const pick = (name: keyof Settings): { value: string; from: string } | undefined => {
    const place = places.find(({ settings }) => settings[name] !== undefined);
    return place && { value: place.settings[name] as string, from: place.from };
  };
  const servers = pick('servers');
  const prefix = pick('prefix')?.value;
  const creds = pick('creds')?.value;
  const defaults = places.flatMap(({ settings: { agentDefaults } }) => (agentDefaults ? [agentDefaults] : []));
  const sources = places.find(({ settings }) => settings.sources !== undefined)?.settings.sources;
  return {
    servers: servers?.value ?? DEFAULT_SERVERS,
    serversFrom: servers?.from ?? 'the default',
    ...(prefix !== undefined && { prefix }),
    ...(creds !== undefined && { creds }),
    ...(defaults.length > 0 && { agentDefaults: defaults.reduce(mergeDefaults) }),
    ...(sources !== undefined && { sources }),
  };
}

function fromEnvironment(env: CliIo['env']): PlaceSettings {
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

function readSettingsFile(path: string): PlaceSettings {
  const texts: Record<string, string> = {};
  const numbers: Record<string, unknown> = {};
  const { sources, ...named } = parse(path) as { readonly sources?: unknown };
  for (const [name, value] of Object.entries(named)) {
    if (Object.hasOwn(configurationNames, name)) numbers[name] = value;
    else if (!TEXTS.includes(name))
      throw invalid(
        path,
        `"${name}" is not a setting${suggestion(name, [...TEXTS, 'sources', ...Object.keys(configurationNames)])}`,
      );
    else if (typeof value === 'string') texts[name] = value;
    else throw invalid(path, `"${name}" is not text`);
  }
  if (sources !== undefined && !isObject(sources)) throw invalid(path, '"sources" is not an object');
  const { creds, ...others }: Settings = texts;
  return {
    ...others,
    ...(sources !== undefined && { sources: { sources, folder: dirname(path) } }),
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
    if (isObject(value)) return value;
  } catch (cause) {
    throw invalid(path, `it is not JSON (${(cause as Error).message})`);
  }
  throw invalid(path, 'it is not a JSON object');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, why: string): WakebusError {
  return new WakebusError('INVALID_OPTION', { option: path, why });
}
