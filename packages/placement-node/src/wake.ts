/**
 * Waking an agent: read its record, decide whether this node may run it, and build its memory.
 *
 * Nothing is written here but a birth and a quarantine: the claim itself is folded into the session's
 * first commit. A read is a hint; that commit decides.
 */
import { type AgentMemory, type AnyAgentDefinition, childIds, decodeSnapshot, newbornMemory } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  SeenIndex,
  type SeenBucket,
  WakebusError,
  addressOf,
  attribute,
  decode,
  decodeRecord,
  isWakebusError,
  span,
} from '@wakebus/protocol';
import { ensureBirth } from './birth.ts';
import type { Mailbox } from './mailbox.ts';
import { type NodeContext, definitionOf, incarnationOf, inboxOf } from './node-context.ts';
import type { Delivery } from './ports/event-log.ts';
import type { StoredValue } from './ports/record-store.ts';
import { traceHeaders } from './telemetry.ts';

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
      /** The record, where it could be read: all of it stays. */
      readonly record?: AgentRecord;
    }
  /** Another living node holds the session. */
  | { readonly kind: 'held'; readonly holder: string };

/** What is known of the mailbox when the agent is woken. */
interface WakeCause {
  /** Sequence of the first waiting message, if one is known. */
  readonly headSeq: number | undefined;
  /** Server time at which a waiting message was stored, and its sequence: to notice a restored inbox. */
  readonly newest: { readonly seq: number; readonly storedMs: number } | undefined;
  /** Claim although another living node holds the session: it was asked, and did not answer. */
  readonly force: boolean;
}

/** What a session knows of what woke it. */
export interface Ringing {
  readonly cause: Delivery | undefined;
  readonly newest: Delivery | undefined;
  readonly force: boolean;
}

/**
 * Reads record and mailbox at once, and wakes the agent.
 *
 * @throws {WakebusError} `UNAVAILABLE` when storage does not answer: try again.
 */
export async function wakeFromMailbox(
  context: NodeContext,
  key: AgentKey,
  mailbox: Mailbox,
  { cause, newest, force }: Ringing,
): Promise<WakeOutcome> {
  const { ports, telemetry } = context;
  const startedMs = ports.clock.monotonicMs();
  const wake = telemetry.start(span.wake, key, [traceHeaders(cause?.headers)]);
  // Without a doorbell there may be no commit to decide: a record that lags would show nothing to do.
  const read = mailbox.doorbells.length === 0 ? ports.agents.getFresh(key) : ports.agents.get(key);
  read.catch(() => {}); // Heard below; the mailbox may fail first.
  mailbox.ring();
  const hydrating = telemetry.start(span.hydrate, key, [wake.carrier]);
  await mailbox.fill();
  hydrating.end();
  const resuming = telemetry.start(span.resume, key, [wake.carrier]);
  const outcome = await wakeAgent(context, key, read, { headSeq: mailbox.peek(1)[0]?.seq, newest, force });
  const error = 'error' in outcome ? outcome.error : undefined;
  resuming.set({ [attribute.outcome]: outcome.kind });
  resuming.end(error);
  wake.set({ [attribute.cause]: cause?.subject ?? 'mailbox' });
  wake.end(error);
  if (outcome.kind === 'awake') telemetry.hydrateMs.record(ports.clock.monotonicMs() - startedMs);
  return outcome;
}

/** A message stored so long after the one at the cursor, in milliseconds, and yet before it in sequence, proves another inbox. Both times are the server's. */
const RESTORED_AFTER_MS = 60_000;

/**
 * Wakes an agent.
 *
 * @throws {WakebusError} `UNAVAILABLE` when storage does not answer: try again.
 */
async function wakeAgent(
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
    return { kind: 'quarantine', error: restored, revision: stored.revision, evidence: undefined, record };
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
  if (cause.newest.storedMs > record.cursorMs + RESTORED_AFTER_MS) {
    return new WakebusError('INBOX_RESTORED', {
      address,
      why: `message ${cause.newest.seq} was stored long after message ${record.cursor}`,
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
    // Also without a state: what a newer version has begun is not for this one to go on with.
    if (record.machineVersion > definition.version)
      throw new WakebusError('VERSION_NEWER', {
        address: addressOf(key),
        version: record.machineVersion,
        known: definition.version,
      });
    const empty = record.snapshot.length === 0;
    const snapshot = empty
      ? undefined
      : decodeSnapshot(definition, record.snapshot, record.machineVersion, addressOf(key), childIds(record.journal));
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
