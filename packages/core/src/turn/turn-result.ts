/**
 * A turn as bytes: what comes back from wherever it was taken apart from the placement node.
 *
 * The state of the machine goes along inside the record and stays closed; custom actions stay behind, as
 * functions must, and are run there.
 */
import {
  type AgentRecord,
  type ErrorCode,
  type ErrorFacts,
  WakebusError,
  decode,
  decodeRecord,
  encode,
  encodeLarge,
  encodeRecord,
} from '@wakebus/protocol';
import type { PendingDeadLetter } from './draft.ts';
import type { TurnFailure } from './fail.ts';
import type { Inbound } from './inbound.ts';
import { type AgentMemory, packedMemory } from './memory.ts';
import type { Turn } from './take-turn.ts';

/** What a turn came to that was taken elsewhere. */
export type TurnResult =
  | { readonly kind: 'taken'; readonly turn: Turn; readonly actions: number }
  /** It cannot be stored. Of several events, any may be to blame. */
  | { readonly kind: 'unfit'; readonly error: WakebusError; readonly events: number }
  /** The state has no home in this version of the machine: no message is to blame. */
  | { readonly kind: 'homeless'; readonly error: WakebusError };

/** An error as it travels. */
export interface PackedError {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts<ErrorCode>;
}

/** An inbound as it travels: the error of an unreadable one is packed. */
type PackedInbound = Exclude<Inbound, { kind: 'invalid' }> | (Omit<Inbound, 'error'> & { readonly error: PackedError });

interface PackedTurn extends Omit<Turn, 'memory' | 'actions' | 'outbox' | 'deadLetters' | 'failure'> {
  readonly kind: 'taken';
  readonly record: Uint8Array;
  readonly actions: number;
  /** New entries, at the end of the record's outbox. */
  readonly sent: number;
  readonly deadLetters: ReadonlyArray<Omit<PendingDeadLetter, 'inbound'> & { readonly inbound: PackedInbound }>;
  readonly failure: (Omit<TurnFailure, 'error'> & { readonly error: PackedError }) | undefined;
}

type PackedResult =
  | PackedTurn
  | { readonly kind: 'unfit'; readonly error: PackedError; readonly events: number }
  | { readonly kind: 'homeless'; readonly error: PackedError };

export function packError({ code, facts }: WakebusError): PackedError {
  return { code, facts };
}

export function unpackError({ code, facts }: PackedError): WakebusError {
  return new WakebusError(code, facts);
}

/** Why there is no turn, as bytes. */
export function packRefusal(result: Exclude<TurnResult, { kind: 'taken' }>): Uint8Array {
  return encode({ ...result, error: packError(result.error) } satisfies PackedResult);
}

/**
 * A turn as bytes.
 *
 * @param frozen - The record that it makes, the state in it as bytes.
 * @throws {WakebusError} `VALUE_NOT_DURABLE`.
 */
export function packTurn(turn: Turn, frozen: AgentRecord): Uint8Array {
  const { memory: _memory, actions, outbox, deadLetters, failure, ...rest } = turn;
  const packed: PackedTurn = {
    ...rest,
    kind: 'taken',
    record: encodeRecord(frozen),
    actions: actions.length,
    sent: outbox.length,
    deadLetters: deadLetters.map((letter) => ({ ...letter, inbound: packInbound(letter.inbound) })),
    failure: failure && { ...failure, error: packError(failure.error) },
  };
  return encodeLarge(packed);
}

/** The result behind bytes. @param before - The memory that the turn was taken of. */
export function unpackResult(before: AgentMemory, bytes: Uint8Array): TurnResult {
  const packed = decode(bytes) as PackedResult;
  if (packed.kind !== 'taken') return { ...packed, error: unpackError(packed.error) };
  const { kind, record: recordBytes, actions, sent, deadLetters, failure, ...rest } = packed;
  const record = decodeRecord(before.key, recordBytes);
  const turn: Turn = {
    ...rest,
    memory: packedMemory(before.key, before.definition, record, before.packed?.chunks ?? new Map()),
    actions: [],
    outbox: sent === 0 ? [] : record.outbox.slice(-sent),
    deadLetters: deadLetters.map((letter) => ({ ...letter, inbound: unpackInbound(letter.inbound) })),
    ...(failure !== undefined && { failure: { ...failure, error: unpackError(failure.error) } }),
  };
  return { kind, turn, actions };
}

function packInbound(inbound: Inbound): PackedInbound {
  return inbound.kind === 'invalid' ? { ...inbound, error: packError(inbound.error) } : inbound;
}

function unpackInbound(inbound: PackedInbound): Inbound {
  return 'error' in inbound ? ({ ...inbound, error: unpackError(inbound.error) } as Inbound) : inbound;
}
