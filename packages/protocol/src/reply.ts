/** Answers to calls: as they go over the wire, and as a record keeps them for callers who ask again. */
import { type AgentKey, addressOf } from './address.ts';
import { decode } from './codec.ts';
import { errorJson } from './errors.ts';

/** The answer to one call, kept so that a caller who asks again gets it. */
export interface ReplyEntry {
  /** The caller's message ID, or empty where it gave none. */
  readonly id: string;
  readonly seq: number;
  /** A {@link ReplyBody} as MessagePack: just what goes over the wire. Not there of an event that the gate has dropped. */
  readonly body?: Uint8Array;
  /** The rule of the gate that has dropped an event: its answer is made again of this, as many are kept, and all alike. */
  readonly gated?: { readonly rule: string; readonly event: string };
  readonly untilMs: number;
}

/** A kept answer, as its caller gets it. */
export function readReply(key: AgentKey, { body, gated }: ReplyEntry): ReplyBody {
  if (body !== undefined) return decode(body) as ReplyBody;
  const { rule = '', event = '' } = gated ?? {};
  return { ok: false, error: errorJson('EVENT_GATED', { address: addressOf(key), event, rule, reason: AS_BEFORE }) };
}

/** Why an event was dropped that its caller asks about again. */
const AS_BEFORE = 'so it said when the event came; its reason is in the history';

/** What a caller gets. `error` is the JSON form of a typed error. */
export type ReplyBody =
  | { readonly ok: true; readonly value?: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly facts?: unknown };
    };
