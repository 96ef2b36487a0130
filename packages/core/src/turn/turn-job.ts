/**
 * A turn to be taken apart from the placement node, as bytes: everything that `takeTurn` needs, and the
 * function that takes it wherever those bytes arrive.
 */
import {
  type AgentKey,
  type AgentRecord,
  type Layout,
  type SeenBucket,
  type WakebusError,
  decode,
  decodeRecord,
  encodeLarge,
  encodeRecord,
  isWakebusError,
} from '@wakebus/protocol';
import type { AnyAgentDefinition } from '../define-agent.ts';
import type { TurnEnvironment } from './draft.ts';
import { type Inbound, type MailboxMessage, readInbound } from './inbound.ts';
import { type AgentMemory, openMemory } from './memory.ts';
import { MAX_TURN_BYTES, type Turn, freeze, takeTurn } from './take-turn.ts';
import { type PackedError, packError, packRefusal, packTurn, unpackError } from './turn-result.ts';

/** What a turn is asked for. */
export interface TurnJob {
  /** A packed one: its state is opened where the turn is taken. */
  readonly memory: AgentMemory;
  readonly messages: readonly MailboxMessage[];
  readonly env: TurnEnvironment;
  readonly maxEvents: number;
  /** The turn takes events for at most so long, in milliseconds. */
  readonly turnMs: number;
  /** 0 to 1, for waits that are random. */
  readonly jitter: number;
  /** Messages that are not to be run any more; see `TurnLimits`. */
  readonly poison: ReadonlyMap<number, WakebusError>;
  /** The messages are thrown away for this; see `TurnLimits`. */
  readonly cleared?: WakebusError;
}

/** Where a job is done. */
export interface TurnPlace {
  readonly definition: AnyAgentDefinition;
  readonly layout: Layout;
  readonly monotonicMs: () => number;
  /** Told of each message before the machine gets it. */
  readonly onBegin: (inbound: Inbound) => void;
}

/** What a job gives: bytes for `unpackResult`, and the custom actions to be run once the turn is committed. */
export interface JobOutcome {
  readonly result: Uint8Array;
  readonly actions: Turn['actions'];
}

interface PackedJob extends Pick<TurnJob, 'messages' | 'env' | 'maxEvents' | 'turnMs' | 'jitter'> {
  readonly key: AgentKey;
  readonly record: Uint8Array;
  readonly chunks: ReadonlyMap<string, SeenBucket>;
  readonly poison: ReadonlyMap<number, PackedError>;
  readonly cleared: PackedError | undefined;
}

/** A job as bytes. */
export function packJob({ memory, messages, env, maxEvents, turnMs, jitter, poison, cleared }: TurnJob): Uint8Array {
  const job: PackedJob = {
    key: memory.key,
    record: encodeRecord(memory.record),
    chunks: memory.packed?.chunks ?? new Map(),
    messages: forOneTurn(messages, maxEvents),
    env,
    maxEvents,
    turnMs,
    jitter,
    poison: new Map([...poison].map(([seq, error]) => [seq, packError(error)])),
    cleared: cleared && packError(cleared),
  };
  return encodeLarge(job);
}

/** What one turn may take at the most: the rest need not travel. */
function forOneTurn(messages: readonly MailboxMessage[], maxEvents: number): readonly MailboxMessage[] {
  const taken: MailboxMessage[] = [];
  let bytes = 0;
  for (const { seq, subject, headers, data, storedMs } of messages.slice(0, maxEvents)) {
    bytes += data.length;
    if (taken.length > 0 && bytes > MAX_TURN_BYTES) break;
    taken.push({ seq, subject, headers, data, storedMs });
  }
  return taken;
}

/** Takes the turn of a job. It does not throw for what the machine does; what never ends is for its caller to stop. */
export function runJob({ definition, layout, monotonicMs, onBegin }: TurnPlace, bytes: Uint8Array): JobOutcome {
  const { key, record, chunks, messages, env, maxEvents, turnMs, jitter, poison, cleared } = decode(bytes) as PackedJob;
  const memory = open(key, definition, decodeRecord(key, record), chunks);
  if (memory instanceof Error) return refused('homeless', memory, 0);
  const inbounds = messages.map((message) => readInbound(layout, key, message));
  const startedMs = monotonicMs();
  const limits = {
    maxEvents,
    isOver: () => monotonicMs() - startedMs > turnMs,
    poison: new Map([...poison].map(([seq, error]) => [seq, unpackError(error)])),
    onBegin,
    ...(cleared != null && { cleared: unpackError(cleared) }),
  };
  const turn = takeTurn(memory, inbounds, env, limits, jitter);
  try {
    return { result: packTurn(turn, freeze(turn.memory).record), actions: turn.actions };
  } catch (thrown) {
    if (isWakebusError(thrown)) return refused('unfit', thrown, turn.consumed);
    throw thrown;
  }
}

function open(
  key: AgentKey,
  definition: AnyAgentDefinition,
  record: AgentRecord,
  chunks: ReadonlyMap<string, SeenBucket>,
): AgentMemory | WakebusError {
  try {
    return openMemory(key, definition, record, chunks);
  } catch (thrown) {
    if (isWakebusError(thrown)) return thrown;
    throw thrown;
  }
}

function refused(kind: 'unfit' | 'homeless', error: WakebusError, events: number): JobOutcome {
  return { result: packRefusal(kind === 'unfit' ? { kind, error, events } : { kind, error }), actions: [] };
}
