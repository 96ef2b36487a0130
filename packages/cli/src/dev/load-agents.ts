/**
 * Loads a file and finds the agents that it exports, noting every local file that it is made of.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyAgentDefinition } from '@wakebus/core';
import type { LoadedAgent } from './node-messages.ts';

/** A file's agents, or why there are none. */
export interface LoadedFile {
  readonly agents: readonly AnyAgentDefinition[];
  readonly refusal?: string;
  /** Local files that were read, also when loading failed half-way. */
  readonly files: readonly string[];
}

/** Loads a file. Never throws: what the file throws is its refusal. */
export async function loadAgents(path: string): Promise<LoadedFile> {
  const files = new Set([path]);
  const hooks = registerHooks({
    load: (url, context, nextLoad) => {
      if (url.startsWith('file:') && !url.includes('/node_modules/')) files.add(fileURLToPath(url));
      return nextLoad(url, context);
    },
  });
  try {
    const exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
    const agents = [...new Set(Object.values(exported).flat())].filter(isDefinition);
    if (agents.length > 0) return { agents, files: [...files] };
    return { agents, files: [...files], refusal: 'it exports no agent. Export what defineAgent returns' };
  } catch (error) {
    return { agents: [], files: [...files], refusal: reasonOf(error) };
  } finally {
    hooks.deregister();
  }
}

/** By its shape: the file may have a copy of `@wakebus/core` of its own. */
function isDefinition(value: unknown): value is AnyAgentDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { type, version, machine } = value as Readonly<Record<string, unknown>>;
  return (
    typeof type === 'string' &&
    typeof version === 'number' &&
    typeof machine === 'object' &&
    machine !== null &&
    'events' in machine
  );
}

/** What a person needs to find the mistake: for a syntax error Node.js puts the place before the message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof SyntaxError || !('code' in error)) return error.stack ?? error.message;
  return error.message;
}

/** What others may know of a definition. */
export function summaryOf({ type, version, machine }: AnyAgentDefinition): LoadedAgent {
  return { type, version, events: [...(machine.events as readonly string[])].filter((name) => !name.includes('*')) };
}
