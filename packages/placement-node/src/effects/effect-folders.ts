/**
 * Folders for effects that work on their agent's files: opened before the commit that says that they are started,
 * so that a folder which cannot be made costs no attempt, and put away when they have ended.
 */
import { type WorkspaceSpec, specOf } from '@wakebus/core';
import {
  type AgentRecord,
  type JournalEntry,
  WakebusError,
  type WorkspaceChange,
  isWakebusError,
} from '@wakebus/protocol';
import type { Activation } from '../activation.ts';
import { delay } from '../ports/clock.ts';
import type { Ports } from '../ports/ports.ts';
import type { OpenWorkspace, Workspaces } from '../ports/workspaces.ts';
import type { Outcome } from './effect-result.ts';

/** Between two tries to put a folder away, in milliseconds, doubling to the last. */
const RETRY_MS = [100, 250, 500, 1_000] as const;

/** The folders of effects that are to be started, by generation. Whoever starts one takes its folder out. */
export type Folders = Map<number, OpenWorkspace>;

/** Where an effect works, and on what it stands. */
export interface EffectFolder {
  readonly open: OpenWorkspace;
  readonly base: Uint8Array | undefined;
  /** Whether what it leaves is kept. */
  readonly isKept: boolean;
}

/** Whether another effect that writes is under way: what it leaves would be lost on the files of this one. */
export function writerOf(
  definition: Activation['definition'],
  { journal }: Pick<AgentRecord, 'journal'>,
  entry: JournalEntry,
): JournalEntry | undefined {
  if (!isWriter(definition, entry)) return undefined;
  return journal.find((each) => each !== entry && each.state === 'started' && isWriter(definition, each));
}

/** Whether an entry's next attempt writes into the agent's files. What asks or undoes has none. */
function isWriter(definition: Activation['definition'], entry: JournalEntry): boolean {
  return entry.phase === undefined && specOf(definition, entry)?.workspace === 'write';
}

/** Whether an entry's next attempt works in a folder. */
export function needsFolder(definition: Activation['definition'], entry: JournalEntry): boolean {
  return entry.phase === undefined && specOf(definition, entry)?.workspace !== undefined;
}

/**
 * Opens the folders of entries that may be started.
 *
 * @throws {WakebusError} as {@link Workspaces.open}; none is left open then.
 */
export async function openFolders(
  ports: Pick<Ports, 'workspaces'>,
  { definition, key, record }: Activation,
  entries: readonly JournalEntry[],
): Promise<Folders> {
  const writer = entries.find((entry) => isWriter(definition, entry));
  const working = entries.filter(
    (entry) => entry === writer || (needsFolder(definition, entry) && !isWriter(definition, entry)),
  );
  const folders: Folders = new Map();
  if (working.length === 0) return folders;
  const { workspaces, spec } = needed(ports, definition);
  const opened = await Promise.allSettled(
    working.map(async ({ generation }) => {
      folders.set(generation, await workspaces.open({ key, ref: record.workspace, spec }));
    }),
  );
  const failed = opened.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return folders;
  await closeFolders(folders);
  throw failed.reason as Error;
}

/** Gives back what nobody has taken out. */
export async function closeFolders(folders: Folders): Promise<void> {
  await Promise.all([...folders.values()].map((folder) => folder.release()));
}

/** An effect that is done is so once what it has left is put away. Whoever waits for it bounds that. */
export async function withFiles(
  ports: Pick<Ports, 'clock'>,
  folder: EffectFolder,
  output: unknown,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const files = await keepFiles(ports, folder, signal);
    return { outcome: 'done', output, ...(files !== undefined && { files }) };
  } catch (error) {
    // What is not kept now would not be kept the next time. Whatever else it is, the effect itself has happened.
    if (isWakebusError(error) && error.next === 'terminal') return { outcome: 'failed', error, isFinal: true };
    return { outcome: 'maybe', error: `what it has left could not be kept: ${String(error)}` };
  }
}

/** Tries on until it is kept, or refused. @returns nothing where nothing has changed. */
async function keepFiles(
  { clock }: Pick<Ports, 'clock'>,
  { open, base, isKept }: EffectFolder,
  signal: AbortSignal,
): Promise<WorkspaceChange | undefined> {
  if (!isKept) return undefined;
  for (let round = 0; ; round += 1) {
    try {
      const ref = await open.sync();
      return ref && { ref, ...(base !== undefined && { base }) };
    } catch (thrown) {
      if (signal.aborted || !isWakebusError(thrown) || thrown.next === 'terminal') throw thrown;
    }
    await delay(clock, RETRY_MS[Math.min(round, RETRY_MS.length - 1)] as number);
    // Nobody waits for it any more, and the folder may be another's.
    signal.throwIfAborted();
  }
}

function needed(
  { workspaces }: Pick<Ports, 'workspaces'>,
  { type, workspace: spec }: Activation['definition'],
): { readonly workspaces: Workspaces; readonly spec: WorkspaceSpec } {
  // Both are checked when the node is started.
  if (workspaces === undefined || spec === undefined)
    throw new WakebusError('UNAVAILABLE', { what: `A workspace for agents of the type "${type}"` });
  return { workspaces, spec };
}
