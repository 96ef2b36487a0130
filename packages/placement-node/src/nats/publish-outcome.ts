/**
 * What a stream's answer to a publish means for the caller.
 *
 * Error numbers say that *this* publish was refused; they never say who won (an earlier attempt of the
 * same writer may have). Whatever leaves that open is `unknown`.
 */
import { WakebusError } from '@wakebus/protocol';
import type { AppendOutcome } from '../ports/event-log.ts';
import { ApiError } from './api-error.ts';

/** Wrong last sequence: the subject is at another sequence than was expected. */
const WRONG_LAST_SEQUENCE = 10_071;
/** The message is larger than the stream takes. */
const MESSAGE_TOO_LARGE = 10_054;
/** Limits of the stream (store failed, by its text), of the account (10002, 10028, 10047) and of the server (10023). */
const OUT_OF_SPACE: ReadonlySet<number> = new Set([10_002, 10_023, 10_028, 10_047]);
const STORE_FAILED = 10_077;

/**
 * Reads the answer to a publish.
 *
 * 10164 is `unknown` on purpose: on replicas it says that another write to the subject is in flight,
 * which may be an earlier attempt of this very writer, and may yet fail.
 *
 * @throws {WakebusError} `EVENT_TOO_LARGE`: no repetition will help.
 */
export function readPubAck(data: Uint8Array, sizeBytes: number): AppendOutcome {
  const seq = plainSequence(data);
  if (seq >= 0) return { kind: 'stored', seq, duplicate: false };
  const answer = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()) as PubAck;
  if (answer.error === undefined) return { kind: 'stored', seq: answer.seq, duplicate: answer.duplicate === true };
  return outcomeOfError(ApiError.from(answer.error), sizeBytes);
}

interface PubAck {
  readonly seq: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

function outcomeOfError(error: ApiError, sizeBytes: number): AppendOutcome {
  if (error.errorCode === WRONG_LAST_SEQUENCE) return { kind: 'conflict' };
  if (OUT_OF_SPACE.has(error.errorCode) || (error.errorCode === STORE_FAILED && error.message.includes('maximum')))
    return { kind: 'full' };
  if (error.errorCode === MESSAGE_TOO_LARGE)
    throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes, limitBytes: sizeBytes - 1 }, { cause: error });
  return { kind: 'unknown', cause: error };
}

const QUOTE = 0x22;
const CLOSE = 0x7d;
const COLON = 0x3a;
const ZERO = 0x30;

/** The sequence of an answer that ends in `"seq":<digits>}`, which all but refusals and duplicates do; otherwise -1. */
function plainSequence(data: Uint8Array): number {
  let at = data.length - 1;
  if (data[at] !== CLOSE || data[2] === 0x65 /* {"error… */) return -1;
  let seq = 0;
  for (let unit = 1; (at -= 1) > 0; unit *= 10) {
    const digit = (data[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    seq += digit * unit;
  }
  return data[at] === COLON && data[at - 1] === QUOTE && data[at - 2] === 0x71 /* q */ ? seq : -1;
}
