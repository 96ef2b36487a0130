/**
 * Waking an agent: read its record, decide whether this node may run it, and build its memory.
 *
 * Nothing is written here but a birth and a quarantine: the claim itself is folded into the session's
 * first commit. A read is a hint; that commit decides.
 */
import {
  type AgentMemory,
  type AnyAgentDefinition,
  closedMemory,
  newbornMemory,
  openMemory,
  packedMemory,
} from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  WakebusError,
  addressOf,
  asStored,
  hasSnapshot,
  attribute,
  decodeRecord,
  isWakebusError,
  span,
  splitKey,
} from '@wakebus/protocol';
import { ensureBirth } from './birth.ts';
import { birthSeq, turnAllAway } from './gate/door.ts';
import type { Mailbox } from './mailbox.ts';
import { type NodeContext, definitionOf, incarnationOf, inboxOf } from './node-context.ts';
import { type WholeRecord, fetchChunks, isGone } from './objects/record-chunks.ts';
import type { Delivery } from './ports/event-log.ts';
import type { StoredValue } from './ports/record-store.ts';
import type { RunningSpan } from './telemetry/running-span.ts';

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
  | { readonly kind: 'held'; readonly holder: string }
  /** The agent is not born yet, and its gate has refused all that has come for it. */
  | { readonly kind: 'refused' };

/** What is known of the mailbox when the agent is woken. */
interface WakeCause {
  readonly mailbox: Mailbox;
  /** Server time at which a waiting message was stored, and its sequence: to notice a restored inbox. */
  readonly newest: { readonly seq: number; readonly storedMs: number } | undefined;
  /** Claim although another living node holds the session: it was asked, and did not answer. */
  readonly force: boolean;
  /** The span of all of it. */
  readonly wake: RunningSpan;
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
  const wake = telemetry.start(span.wake, key, [cause?.headers]);
  // Without a doorbell there may be no commit to decide: a record that lags would show nothing to do.
  const read = mailbox.doorbells.length === 0 ? ports.agents.getFresh(key) : ports.agents.get(key);
  read.catch(() => {}); // Heard below; the mailbox may fail first.
  mailbox.ring();
  const hydrating = telemetry.below(span.hydrate, key, wake);
  await mailbox.fill();
  hydrating.set({ [attribute.mailboxBytes]: mailbox.sizeBytes });
  hydrating.end();
  const outcome = await wakeAgent(context, key, read, { mailbox, newest, force, wake });
  if (wake.isRecording)
    wake.set({
      [attribute.cause]: cause?.subject ?? 'mailbox',
      [attribute.source]: sourceOf(context, cause?.subject),
      [attribute.outcome]: outcome.kind,
      ...(cause !== undefined && { [attribute.lateness]: Math.max(0, ports.clock.wallMs() - cause.storedMs) }),
    });
  wake.end('error' in outcome ? outcome.error : undefined);
  const { type } = splitKey(key);
  telemetry.resumes.add(1, { type, outcome: outcome.kind });
  if (outcome.kind === 'awake') telemetry.hydrateMs.record(ports.clock.monotonicMs() - startedMs, { type });
  return outcome;
}

/** What kind of message woke the agent; `mailbox` where nobody knows, as when a node takes a partition over. */
export function sourceOf({ layout }: Pick<NodeContext, 'layout'>, subject: string | undefined): string {
  return (subject && layout.readInboxSubject(subject)?.kind) || 'mailbox';
}

/** Counts a wake. An agent at which only its gate looks has not been woken. */
export function countWake(
  context: NodeContext,
  { memory, takenFrom }: Extract<WakeOutcome, { kind: 'awake' }>,
  cause: Delivery | undefined,
): void {
  const { key, definition, isUndecoded } = memory;
  const { type } = definition;
  if (isUndecoded !== true) context.telemetry.wakes.add(1, { type, source: sourceOf(context, cause?.subject) });
  if (takenFrom === undefined) return;
  context.telemetry.takeovers.add(1, { type });
  context.log.info(`took over ${addressOf(key)}`, { agent: key, from: takenFrom });
}

/** Counts a sleep, or a wake for nothing. */
export function countSleep(context: NodeContext, { definition: { type }, isAtGate, isClaimed, wokenBy }: Slept): void {
  const { sleeps, falseWakes } = context.telemetry;
  if (isAtGate) return;
  if (isClaimed) sleeps.add(1, { type });
  else falseWakes.add(1, { type, source: sourceOf(context, wokenBy) });
}

/** What is to be known of an agent that has gone to sleep. */
interface Slept {
  readonly definition: AnyAgentDefinition;
  readonly isAtGate: boolean;
  readonly isClaimed: boolean;
  readonly wokenBy: string;
}

/**
 * A message stored so long after everything that the cursor covers, in milliseconds, and yet before the cursor in
 * sequence, proves another inbox: the record keeps the latest time of all that it has passed, so clocks of servers
 * that differ cannot show the same. A second is for times that are rounded on their way, and less than a restore takes.
 */
const RESTORED_AFTER_MS = 1_000;

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
  const claiming = context.telemetry.below(span.claim, key, cause.wake);
  const claim = await claimAgent(context, key, read, cause);
  const { outcome } = claim;
  const holder = claim.record?.lease.holder ?? '';
  if (claiming.isRecording)
    claiming.set({
      [attribute.outcome]: outcome?.kind ?? 'free',
      ...(holder !== '' && holder !== context.nodeId && { [attribute.fromNode]: holder }),
      ...(claim.record !== undefined && {
        [attribute.epoch]: claim.record.lease.epoch + 1,
        [attribute.revision]: claim.stored.revision,
        [attribute.sizeBytes]: claim.stored.bytes?.length ?? 0,
      }),
    });
  claiming.end(outcome !== undefined && 'error' in outcome ? outcome.error : undefined);
  if (outcome !== undefined) return outcome;
  const { definition, record, stored } = claim;
  const resuming = context.telemetry.below(span.resume, key, cause.wake);
  const resumed = await hydrate(context, key, definition, record, stored.revision);
  resuming.set({ [attribute.outcome]: resumed.kind });
  resuming.end('error' in resumed ? resumed.error : undefined);
  const isAtGate = resumed.kind === 'awake' && resumed.memory.isUndecoded === true;
  const chunkBytes = isAtGate ? 0 : (record.chunks?.sizeBytes ?? 0);
  context.telemetry.hydrateBytes.record((stored.bytes?.length ?? 0) + chunkBytes, { type: definition.type });
  return resumed;
}

/** What is known of an agent once it is clear who may run it; an `outcome` says that it is not to be built from its record here. */
type Claim =
  | {
      readonly outcome: WakeOutcome;
      readonly record?: AgentRecord;
      readonly stored: Pick<StoredValue, 'revision' | 'bytes'>;
    }
  | {
      readonly outcome?: undefined;
      readonly definition: AnyAgentDefinition;
      readonly record: AgentRecord;
      readonly stored: Pick<StoredValue, 'revision' | 'bytes'>;
    };

const NOT_READ = { revision: 0, bytes: undefined };

async function claimAgent(
  context: NodeContext,
  key: AgentKey,
  read: Promise<StoredValue>,
  cause: WakeCause,
): Promise<Claim> {
  const definition = definitionOf(context, key);
  if (definition === undefined) {
    const error = new WakebusError('UNAVAILABLE', { what: `A placement node for ${addressOf(key)}` });
    return { outcome: { kind: 'asleep', error }, stored: NOT_READ };
  }
  const stored = await present(context, key, read);
  if (stored.bytes === undefined)
    return { outcome: await wakeNewborn(context, key, definition, stored.revision, cause), stored };
  let record: AgentRecord;
  try {
    record = decodeRecord(key, stored.bytes);
  } catch (thrown) {
    return { outcome: unreadable(thrown, stored), stored };
  }
  const { holder } = record.lease;
  if (!cause.force && holder !== '' && holder !== context.nodeId && context.membership.isLiving(holder))
    return { outcome: { kind: 'held', holder }, record, stored };
  const restored = await inboxMismatch(context, key, record, cause);
  if (restored !== undefined) {
    const { revision } = stored;
    return { outcome: { kind: 'quarantine', error: restored, revision, evidence: undefined, record }, record, stored };
  }
  return { definition, record, stored };
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
  const seq = birthSeq(context, key, definition, cause.mailbox.peek(Number.MAX_SAFE_INTEGER));
  if (seq === undefined && cause.mailbox.length > 0) {
    turnAllAway(context, key, cause.mailbox);
    return { kind: 'refused' };
  }
  if (seq === undefined)
    return { kind: 'asleep', error: new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) }) };
  const inbox = incarnationOf(context, key);
  const nowMs = context.ports.clock.wallMs();
  const birth = await ensureBirth(context, key, { v: 1, incarnation: 1, inbox, seq, atMs: nowMs });
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
      why: `message ${cause.newest.seq} was stored after message ${record.cursor}`,
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
  const staysBytes = mayStayBytes(definition, record);
  let whole: WholeRecord;
  try {
    whole = await fetchChunks(context.ports, key, record, staysBytes ? 'seen' : 'all');
  } catch (thrown) {
    if (!isWakebusError(thrown) || !isGone(thrown)) throw thrown;
    return { kind: 'quarantine', error: thrown, revision, evidence: undefined, record };
  }
  try {
    // Also without a state: what a newer version has begun is not for this one to go on with.
    if (record.machineVersion > definition.version)
      throw new WakebusError('VERSION_NEWER', {
        address: addressOf(key),
        version: record.machineVersion,
        known: definition.version,
      });
    const open = definition.isolation === undefined ? openMemory : packedMemory;
    const memory = staysBytes
      ? closedMemory(key, definition, whole.record, whole.seen)
      : open(key, definition, whole.record, whole.seen);
    const { holder } = record.lease;
    return {
      kind: 'awake',
      // Of an open state that is in chunks the bytes are needed no more.
      memory: memory.snapshot === undefined ? memory : { ...memory, record: asStored(memory.record) },
      revision,
      takenFrom: holder === '' || holder === context.nodeId ? undefined : holder,
    };
  } catch (thrown) {
    if (isWakebusError(thrown)) return { kind: 'asleep', error: thrown };
    throw thrown;
  }
}

/** Whether a gate may look at an agent before its state is decoded. What is in the middle of something is decoded at once. */
function mayStayBytes(definition: AnyAgentDefinition, record: AgentRecord): boolean {
  const { name } = record.lifecycle;
  return (
    definition.gate.length > 0 &&
    definition.isolation === undefined &&
    definition.runner === undefined &&
    hasSnapshot(record) &&
    record.machineVersion === definition.version &&
    (name === 'asleep' || name === 'awake') &&
    record.attempt === undefined &&
    record.held === undefined
  );
}
