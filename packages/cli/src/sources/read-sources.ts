/**
 * Sources as a configuration file holds them: streams and folders with rules for what comes in, and modules that
 * export sources of one's own. Paths are relative to the file.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type MapRule, applyRules, faultOfRules, fillPlaces } from '@wakebus/gateway';
import { WakebusError, suggestion } from '@wakebus/protocol';
import {
  type FolderSourceOptions,
  type Source,
  type StreamMessage,
  type StreamSourceOptions,
  folderSource,
  headerOf,
  streamSource,
} from '@wakebus/sources';

/** What a file says of sources, by name. It is checked when they are made. */
export interface SourcesConfig {
  readonly sources: object;
  /** Of the file. */
  readonly folder: string;
}

type Rules = MapRule | readonly MapRule[];
type StreamConfig = Omit<StreamSourceOptions, 'name' | 'map' | 'key'> & { readonly map: Rules; readonly key?: string };
type FolderConfig = Omit<FolderSourceOptions, 'name' | 'map' | 'ignore'> & {
  readonly map: Rules;
  readonly ignore?: readonly string[];
};

/** The options of each kind, beside `kind`. */
const known = {
  stream: ['stream', 'map', 'subjects', 'key', 'from', 'replay', 'tries', 'inFlight', 'ackWaitMs'],
  folder: ['folder', 'map', 'ignore', 'existing', 'quietMs', 'longestMs', 'rescanMs', 'tries'],
  module: ['module'],
} as const;

type Kind = keyof typeof known;
type Options = Readonly<Record<string, unknown>>;

/** Makes the sources of a file. @throws {WakebusError} `INVALID_OPTION` with the source and the option that is wrong. */
export async function readSources({ sources, folder }: SourcesConfig): Promise<Source[]> {
  return Promise.all(Object.entries(sources).map(([name, options]) => readSource(name, options as unknown, folder)));
}

async function readSource(name: string, options: unknown, folder: string): Promise<Source> {
  const { kind, ...given } = checked(name, options);
  if (kind === 'stream') return fromStream(name, given as unknown as StreamConfig);
  if (kind === 'folder') return fromFolder(name, given as unknown as FolderConfig, folder);
  return fromModule(name, resolve(folder, String(given['module'])));
}

function checked(name: string, options: unknown): Options & { readonly kind: Kind } {
  const { kind, ...given } = (typeof options === 'object' ? (options ?? {}) : {}) as Options;
  if (typeof kind !== 'string' || !Object.hasOwn(known, kind))
    throw invalid(name, `its "kind" is one of ${Object.keys(known).join(', ')}`);
  const names: readonly string[] = known[kind as Kind];
  const [needed = ''] = names;
  const unknown = Object.keys(given).find((option) => !names.includes(option));
  if (unknown !== undefined) throw invalid(name, `"${unknown}" is not an option of it${suggestion(unknown, names)}`);
  if (typeof given[needed] !== 'string') throw invalid(name, `its "${needed}" is not text`);
  const fault = kind === 'module' ? undefined : faultOfRules(given['map']);
  if (fault !== undefined) throw invalid(name, fault);
  return { ...given, kind: kind as Kind };
}

/** Pointers lead into the message: `{/tokens/1}` of its subject, `{/body/id}`, `{header:kind}`. */
function fromStream(name: string, { map, key, ...options }: StreamConfig): Source {
  const rules = withData(map, '/body');
  return streamSource({
    ...options,
    name,
    map: (message) => applyRules(rules, subjectOf(message)),
    ...(key !== undefined && { key: (message) => keyOf(message, key) }),
  });
}

/** Pointers lead into the change: `{/path}`, `{/kind}`. */
function fromFolder(name: string, { map, folder: watched, ...options }: FolderConfig, folder: string): Source {
  return folderSource({
    ...options,
    name,
    folder: resolve(folder, watched),
    map: (change) => applyRules(map, { body: change, header: noHeader }),
  });
}

function noHeader(): undefined {}

async function fromModule(name: string, path: string): Promise<Source> {
  const exported = await load(name, path);
  const found = Object.values(exported).find((value) => isSource(value) && value.name === name);
  if (found === undefined)
    throw invalid(name, `${path} exports no source of that name. Export what defineSource returns`);
  return found as Source;
}

async function load(name: string, path: string): Promise<object> {
  try {
    return (await import(pathToFileURL(path).href)) as object;
  } catch (cause) {
    throw new WakebusError('INVALID_OPTION', { option: `sources.${name}`, why: (cause as Error).message }, { cause });
  }
}

/** By its shape: the module may have a copy of `@wakebus/sources` of its own. */
function isSource(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null) return false;
  const { name, start } = value as Options;
  return typeof name === 'string' && typeof start === 'function';
}

function subjectOf(message: StreamMessage): Parameters<typeof applyRules>[1] {
  const { stream, subject, seq, timeMs, headers } = message;
  const tokens = subject.split('.');
  return {
    // The payload is decoded when a pointer goes there: it may be none that can be.
    body: {
      stream,
      subject,
      tokens,
      seq,
      timeMs,
      get body() {
        return message.body;
      },
    },
    header: (name) => headerOf(headers, name),
  };
}

function keyOf(message: StreamMessage, key: string): string {
  const filled = fillPlaces(key, subjectOf(message));
  if (filled !== undefined) return filled;
  throw new WakebusError('INVALID_PAYLOAD', { why: `the message has nothing for its key, ${key}` });
}

function withData(rules: Rules, data: string): readonly MapRule[] {
  return [rules].flat().map((rule) => ({ data, ...rule }));
}

function invalid(name: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option: `sources.${name.slice(0, 80)}`, why });
}
