/**
 * Waking an agent: read its record, decide whether this node may run it, and build its memory.
 *
 * Nothing is written here but a birth and a quarantine: the claim itself is folded into the session's
 * first commit. A read is a hint; that commit decides.
 */
import { type AgentMemory, type AnyAgentDefinition, decodeSnapshot, newbornMemory } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  SeenIndex,
  type SeenBucket,
  WakebusError,
  addressOf,
  decode,
  decodeRecord,
  isWakebusError,
} from '@wakebus/protocol';
import { ensureBirth } from './birth.ts';
import { type NodeContext, definitionOf, incarnationOf, inboxOf } from './node-context.ts';
import type { StoredValue } from './ports/record-store.ts';

/** What an attempt to wake an agent comes to. */
export type WakeOutcome =
  | {
      readonly kind: 'awake';
      readonly memory: AgentMemory;
      readonly revision: number;
      readonly takenFrom: string | undefined;
    }
  /** The agent must not run here and now; its mailbox stays. */
  | { readonly kind: 'asleep'; readonly error: WakebusError }
  /** The record is to be marked: an operator must look. */
  | {
      readonly kind: 'quarantine';
      readonly error: WakebusError;
      readonly revision: number;
      readonly evidence: Uint8Array | undefined;
    }
  /** Another living node holds the session. */
  | { readonly kind: 'held'; readonly holder: string };

/** What is known of the mailbox when the agent is woken. */
export interface WakeCause {
  /** Sequence of the first waiting message, if one is known. */
  readonly headSeq: number | undefined;
  /** Server time at which a waiting message was stored, and its sequence: to notice a restored inbox. */
  readonly newest: { readonly seq: number; readonly storedMs: number } | undefined;
  /** Claim although another living node holds the session: it was asked, and did not answer. */
  readonly force: boolean;
}

/** A message stored so long after the commit that seemingly passed it, in milliseconds, proves another inbox: clocks differ by less. */
const RESTORED_AFTER_MS = 60_000;

/**
 * Wakes an agent.
 *
 * @throws {WakebusError} `UNAVAILABLE` when storage does not answer: try again.
 */
export async function wakeAgent(
  context: NodeContext,
  key: AgentKey,
  read: Promise<StoredValue>,
  cause: WakeCause,
): Promise<WakeOutcome> {
  const definition = definitionOf(context, key);
  if (definition === undefined)
    return {
      kind: 'asleep',
      error: new WakebusError('UNAVAILABLE', { what: `A placement node for ${addressOf(key)}` }),
    };
  const stored = await present(context, key, read);
  if (stored.bytes === undefined) return wakeNewborn(context, key, definition, stored.revision, cause);
  let record: AgentRecord;
  try {
    record = decodeRecord(key, stored.bytes);
  } catch (thrown) {
    return unreadable(thrown, stored);
  }
  const { holder } = record.lease;
  if (!cause.force && holder !== '' && holder !== context.nodeId && context.membership.isLiving(holder))
    return { kind: 'held', holder };
  const restored = await inboxMismatch(context, key, record, cause);
  if (restored !== undefined)
    return { kind: 'quarantine', error: restored, revision: stored.revision, evidence: stored.bytes };
  return hydrate(context, key, definition, record, stored.revision);
}

/** An absence must be fresh: a replica that lags has not seen a new agent yet. */
async function present(context: NodeContext, key: AgentKey, read: Promise<StoredValue>): Promise<StoredValue> {
  const stored = await read;
  return stored.bytes === undefined ? context.ports.agents.getFresh(key) : stored;
}

function unreadable(thrown: unknown, stored: StoredValue): WakeOutcome {
  if (isWakebusError(thrown, 'RECORD_NEWER')) return { kind: 'asleep', error: thrown };
  if (isWakebusError(thrown))
    return { kind: 'quarantine', error: thrown, revision: stored.revision, evidence: stored.bytes };
  throw thrown;
}

async function wakeNewborn(
  context: NodeContext,
  key: AgentKey,
  definition: AnyAgentDefinition,
  revision: number,
  cause: WakeCause,
): Promise<WakeOutcome> {
  if (cause.headSeq === undefined)
    return { kind: 'asleep', error: new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) }) };
  const inbox = incarnationOf(context, key);
  const nowMs = context.ports.clock.wallMs();
  const birth = await ensureBirth(context, key, { v: 1, incarnation: 1, inbox, seq: cause.headSeq, atMs: nowMs });
  if (birth === undefined) {
    return {
      kind: 'quarantine',
      error: new WakebusError('RECORD_MISSING', { address: addressOf(key) }),
      revision,
      evidence: undefined,
    };
  }
  return {
    kind: 'awake',
    memory: newbornMemory(key, definition, { inbox, incarnation: birth.incarnation, nowMs }),
    revision,
    takenFrom: undefined,
  };
}

/** An inbox that was recreated or restored counts anew: its messages would be taken for processed ones. */
async function inboxMismatch(
  context: NodeContext,
  key: AgentKey,
  record: AgentRecord,
  cause: WakeCause,
): Promise<WakebusError | undefined> {
  const address = addressOf(key);
  if (record.lifecycle.name === 'quarantined') return undefined;
  if (record.inbox !== incarnationOf(context, key))
    return new WakebusError('INBOX_RESTORED', {
      address,
      why: 'it is another stream than the one the record counts in',
    });
  if (cause.newest === undefined || cause.newest.seq > record.cursor) return undefined;
  if (cause.newest.storedMs > record.updatedMs + RESTORED_AFTER_MS) {
    return new WakebusError('INBOX_RESTORED', {
      address,
      why: `message ${cause.newest.seq} is newer than the commit that has passed it`,
    });
  }
  const { lastSeq } = await inboxOf(context, key).info();
  if (lastSeq >= record.cursor) return undefined;
  return new WakebusError('INBOX_RESTORED', {
    address,
    why: `its last message is ${lastSeq}, and the agent has processed ${record.cursor}`,
  });
}

async function hydrate(
  context: NodeContext,
  key: AgentKey,
  definition: AnyAgentDefinition,
  record: AgentRecord,
  revision: number,
): Promise<WakeOutcome> {
  const chunks = await fetchSeen(context, key, record);
  try {
    const empty = record.snapshot.length === 0;
    const snapshot = empty
      ? undefined
      : decodeSnapshot(definition, record.snapshot, record.machineVersion, addressOf(key));
    const memory: AgentMemory = {
      key,
      definition,
      record,
      snapshot,
      seen: new SeenIndex(record.seen, definition.dedupe.horizonMs, chunks),
    };
    const { holder } = record.lease;
    return {
      kind: 'awake',
      memory,
      revision,
      takenFrom: holder === '' || holder === context.nodeId ? undefined : holder,
    };
  } catch (thrown) {
    if (isWakebusError(thrown)) return { kind: 'asleep', error: thrown };
    throw thrown;
  }
}

/** The dedupe IDs that outgrew the record. Without them a duplicate could pass, so they are not optional. */
async function fetchSeen(
  context: NodeContext,
  key: AgentKey,
  record: AgentRecord,
): Promise<ReadonlyMap<string, SeenBucket>> {
  const contents = new Map<string, SeenBucket>();
  for (const { chunk } of record.seen) {
    if (chunk === undefined) continue;
    const bytes = await context.ports.chunks.get(chunk);
    if (bytes === undefined)
      throw new WakebusError('UNAVAILABLE', { what: `The dedupe chunk ${chunk} of ${addressOf(key)}` });
    contents.set(chunk, decode(bytes) as SeenBucket);
  }
  return contents;
}
