/**
 * `workspace` of an agent type: a folder of files an agent, as pure data. Who has effects work in it, and when what
 * they leave there counts, is the placement node's.
 */
import { WakebusError } from '@wakebus/protocol';
import type { AnyStateMachine } from 'xstate';
import { effectSpecOf } from './effect.ts';
import { isMachine } from './family/logic.ts';

/** What an agent's folder may hold. */
export interface WorkspaceOptions {
  /** Bytes of all files together. What an effect leaves beyond that is refused, and the effect fails. @default 268,435,456 – 256 MB: seconds of a wake on another machine */
  readonly maxBytes?: number;
  /** Files, folders and links. @default 20,000 – each is looked at when an effect that writes has ended */
  readonly maxFiles?: number;
  /** What is not kept, by its name anywhere (`node_modules`, `*.tmp`) or, with a slash, by its path from the folder (`build/out`, `logs/**`). @default nothing */
  readonly ignore?: readonly string[];
  /** Keeps when each file was last changed. @default false – times differ where content does not, and two agents with the same files then share nothing of their list */
  readonly times?: boolean;
}

/** With every default filled in. */
export type WorkspaceSpec = Required<WorkspaceOptions>;

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const DEFAULT_MAX_FILES = 20_000;

/** The options with their defaults. */
export function workspaceOf(options: WorkspaceOptions | undefined): WorkspaceSpec | undefined {
  if (options === undefined) return undefined;
  return Object.freeze({
    maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
    maxFiles: options.maxFiles ?? DEFAULT_MAX_FILES,
    ignore: Object.freeze([...(options.ignore ?? [])]),
    times: options.times ?? false,
  });
}

/** Refuses effects that work on files where the type has none. @throws {WakebusError} `MACHINE_UNSUPPORTED`. */
export function checkWorkspace(agentType: string, machine: AnyStateMachine, spec: WorkspaceSpec | undefined): void {
  const path = spec === undefined ? firstEffectOnFiles(machine, '', new Set()) : undefined;
  if (path === undefined) return;
  const why = 'the effect works on a workspace, and the agent type has none: give defineAgent() workspace: {}';
  throw new WakebusError('MACHINE_UNSUPPORTED', { agentType, path, why });
}

/** In a machine, or in one of those that it may have as children. */
function firstEffectOnFiles(machine: AnyStateMachine, prefix: string, seen: Set<AnyStateMachine>): string | undefined {
  if (seen.has(machine)) return undefined;
  seen.add(machine);
  for (const [src, logic] of Object.entries<unknown>(machine.implementations.actors)) {
    const path = `${prefix}implementations.actors.${src}`;
    if (isMachine(logic)) {
      const within = firstEffectOnFiles(logic, `${path}.`, seen);
      if (within !== undefined) return within;
    } else if (effectSpecOf(logic)?.workspace !== undefined) return path;
  }
  return undefined;
}
