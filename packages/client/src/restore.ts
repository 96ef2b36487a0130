/**
 * Going back: an agent to one of its snapshots, or another agent begun from one.
 *
 * Both are one request in a mailbox, which whoever runs the agent takes in its turn. A fork stores a copy of the
 * snapshot under the new address first, so what it names stays while the request is on its way.
 */
import { createHash } from 'node:crypto';
import {
  type AgentKey,
  type KeptSnapshot,
  type Restoration,
  WakebusError,
  addressOf,
  decodeRecord,
  encode,
  keepSnapshot,
  readKeptSnapshot,
  snapshotKey,
  splitKey,
} from '@wakebus/protocol';
import { audited, checked } from './audit.ts';
import type { ClientContext } from './client-context.ts';
import { type ControlOptions, askAgent, controlAgent } from './control.ts';
import { checkSnapshotId } from './snapshots.ts';

/** What may be said with a restoration. */
export interface RestoreOptions extends ControlOptions, Pick<Restoration, 'timers' | 'effects'> {}

/** What may be said with a fork. */
export interface ForkOptions extends ControlOptions, Pick<Restoration, 'timers'> {
  /** ID of the snapshot that it begins from. @default one that is kept now */
  readonly snapshot?: string;
}

/** Takes an agent back. @throws {WakebusError} as {@link Client.restore}. */
export async function restoreAgent(
  context: ClientContext,
  key: AgentKey,
  snapshot: string,
  { timers, effects, ...options }: RestoreOptions,
): Promise<void> {
  await readKept(context, key, snapshot);
  const restore: Restoration = { snapshot, ...(timers && { timers }), ...(effects && { effects }) };
  await controlAgent(context, key, 'restore', options, { restore });
}

/** Begins an agent from another one. @returns the snapshot that it began from. @throws {WakebusError} as {@link Client.fork}. */
export async function forkAgent(
  context: ClientContext,
  from: AgentKey,
  to: AgentKey,
  { snapshot, timers, ...options }: ForkOptions,
): Promise<string> {
  const { ports, operator } = context;
  const { reason, by = operator } = options;
  if (splitKey(from).type !== splitKey(to).type)
    throw new WakebusError('INVALID_OPTION', {
      option: 'to',
      why: `write an agent of the type ${splitKey(from).type}`,
    });
  const facts = { from: addressOf(from), ...(snapshot !== undefined && { snapshot }), ...(timers && { timers }) };
  const what = { action: 'fork', target: { key: to }, by, reason, facts } as const;
  await checked(ports, what, () => checkFree(context, to));
  return audited(ports, what, async () => {
    const kept =
      snapshot === undefined
        ? await keepSnapshot(ports, from, { cause: 'fork', by, atMs: ports.clock.wallMs() })
        : await readKept(context, from, snapshot);
    const copy = {
      ...kept,
      id: copyIdOf(from, kept),
      cause: 'fork',
      by,
      atMs: ports.clock.wallMs(),
      from: { agent: from, snapshot: kept.id },
    } as const;
    await storeCopy(context, to, copy);
    const restore: Restoration = { snapshot: copy.id, isBirth: true, ...(timers && { timers }) };
    await askAgent(context, to, 'restore', options, { restore });
    return kept.id;
  });
}

/** Names a copy: none of what the new agent keeps itself, or has kept in a life before, has that name. */
function copyIdOf(from: AgentKey, { id, record }: KeptSnapshot): string {
  const { incarnation, turns } = decodeRecord(from, record);
  const origin = createHash('sha256').update(`${from} ${id}`).digest('hex').slice(0, 12);
  return `${incarnation}-${turns}-of-${origin}`;
}

/** A copy counts when its original is still there after it was stored: collecting then sees one of them. */
async function storeCopy(
  { ports }: ClientContext,
  to: AgentKey,
  copy: KeptSnapshot & Required<Pick<KeptSnapshot, 'from'>>,
): Promise<void> {
  const at = snapshotKey(to, copy.id);
  const { revision } = await ports.snapshots.getFresh(at);
  const { kind } = await ports.snapshots.put(at, encode(copy), revision);
  if (kind !== 'stored') throw new WakebusError('UNAVAILABLE', { what: `A place for a snapshot of ${addressOf(to)}` });
  const { agent, snapshot } = copy.from;
  const original = await ports.snapshots.getFresh(snapshotKey(agent, snapshot));
  readKeptSnapshot(agent, snapshot, original.bytes);
}

/** @throws {WakebusError} `SNAPSHOT_NOT_FOUND`. */
async function readKept({ ports }: ClientContext, key: AgentKey, id: string): Promise<KeptSnapshot> {
  return readKeptSnapshot(key, id, (await ports.snapshots.getFresh(snapshotKey(key, checkSnapshotId(key, id)))).bytes);
}

/** @throws {WakebusError} `AGENT_REFUSED` where there is an agent. */
async function checkFree({ ports }: ClientContext, key: AgentKey): Promise<void> {
  const { bytes } = await ports.agents.getFresh(key);
  if (bytes === undefined || decodeRecord(key, bytes).lifecycle.name === 'removed') return;
  throw new WakebusError('AGENT_REFUSED', { address: addressOf(key), reason: 'there is such an agent already' });
}
