/** Scribes: agents that write what they are sent into a file, and remember in their state what stands there. */
import { type AnyAgentDefinition, type FileEffectArgs, defineAgent, effect } from '@wakebus/core';
import { type AnyStateMachine, assign, setup, spawnChild } from 'xstate';
import { folderAt } from '../memory/memory-workspaces.ts';

export const SCRIBE_TYPE = 'scribe';
/** `keyed`: tried again when nobody knows how it ended; `careful`: not. `read`: looks, and leaves something that must not stay. */
export const WAYS = ['keyed', 'careful', 'read'] as const;
/** An attempt may take so long, in milliseconds. */
export const WRITE_TIMEOUT_MS = 2_000;
export const LOG = 'log';

export interface ScribeContext {
  /** What stands in the file, in that order. */
  readonly written: readonly string[];
  /** What the machine was told of the rest: the ID and why it is not there. */
  readonly refused: ReadonlyArray<readonly [id: string, why: string]>;
}

interface Line {
  readonly id: string;
}

/** How long an attempt takes, in milliseconds, and whether it fails after it has written. */
export interface Desk {
  draw(): { readonly afterMs: number; readonly fails: boolean };
  wait(delayMs: number): Promise<void>;
}

export function scribeAgent(desk: () => Desk): AnyAgentDefinition {
  const write = async ({ input, workspace }: FileEffectArgs<Line>): Promise<string> => {
    const { afterMs, fails } = desk().draw();
    const log = folderAt(workspace).get(LOG) ?? '';
    folderAt(workspace).set(LOG, `${log}${input.id}\n`);
    folderAt(workspace).set('last', input.id.repeat(8));
    await desk().wait(afterMs);
    if (fails) throw new Error('the pen is broken');
    return 'written';
  };
  const read = async ({ workspace }: FileEffectArgs<Line>): Promise<string> => {
    const { afterMs } = desk().draw();
    folderAt(workspace).set(LOG, 'scribbled over');
    await desk().wait(afterMs);
    return 'read';
  };
  const shared = { timeoutMs: WRITE_TIMEOUT_MS, target: 'desk' };
  const machine = setup({
    types: { context: {} as ScribeContext, events: {} as { type: string } & Line },
    actors: {
      keyed: effect({
        ...shared,
        workspace: 'write',
        run: write,
        dedupe: 'key',
        keyHorizonMs: 86_400_000,
        retry: { attempts: 6, backoffMs: 10 },
      }),
      careful: effect({ ...shared, workspace: 'write', run: write }),
      read: effect({ ...shared, workspace: 'read', run: read }),
    },
  }).createMachine({
    id: SCRIBE_TYPE,
    context: { written: [], refused: [] },
    on: {
      ...Object.fromEntries(WAYS.map((way) => [way, { actions: beginning(way) }])),
      'xstate.done.actor.*': { actions: assign(({ context, event }) => onDone(context, event)) },
      'xstate.error.actor.*': { actions: assign(({ context, event }) => onError(context, event)) },
    },
  } as never) as unknown as AnyStateMachine;
  return defineAgent({ type: SCRIBE_TYPE, machine, workspace: {}, sleep: { afterMs: 500 } });
}

function beginning(way: (typeof WAYS)[number]): unknown {
  const spawn = {
    id: ({ event }: { event: unknown }) => (event as Line).id,
    input: ({ event }: { event: unknown }) => ({ id: (event as Line).id }),
  };
  return spawnChild(way as never, spawn as never);
}

function onDone(context: unknown, event: unknown): Partial<ScribeContext> {
  const { actorId, output } = event as { actorId: string; output: unknown };
  const { written, refused } = context as ScribeContext;
  return output === 'read' ? { refused: [...refused, [actorId, 'read']] } : { written: [...written, actorId] };
}

function onError(context: unknown, event: unknown): Partial<ScribeContext> {
  const { actorId, error } = event as { actorId: string; error: Error & { code?: string } };
  return { refused: [...(context as ScribeContext).refused, [actorId, error.code ?? error.message]] };
}
