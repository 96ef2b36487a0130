/**
 * Outcomes in a form in which two sides can be compared: sequences count from the trace's own start, time
 * stamps and texts of errors are gone, error codes stay.
 */
import type { AppendOutcome, PutOutcome, StoredMessage, StoredValue } from '@wakebus/placement-node';
import { type Headers, WakebusError } from '@wakebus/protocol';

/** Plain data; two are the same when {@link textOf} says so. */
export type Outcome = unknown;

/** Longer payloads are told by their length. */
const SHOWN_BYTES = 100;
const decoder = new TextDecoder();

/** An outcome as text: the same for what is the same. */
export function textOf(outcome: Outcome): string {
  return JSON.stringify(outcome) ?? 'nothing';
}

export function ofAppend(outcome: AppendOutcome, base: number): Outcome {
  if (outcome.kind === 'stored')
    return { kind: 'stored', seq: outcome.seq - base, ...(outcome.duplicate && { duplicate: true }) };
  return ofRefusal(outcome);
}

export function ofPut(outcome: PutOutcome, base: number): Outcome {
  return outcome.kind === 'stored' ? { kind: 'stored', revision: outcome.revision - base } : ofRefusal(outcome);
}

function ofRefusal(outcome: { readonly kind: string; readonly cause?: unknown }): Outcome {
  return outcome.kind === 'unknown' ? { kind: 'unknown', code: errorCodeOf(outcome.cause) } : { kind: outcome.kind };
}

/** The server's own number, 0 where no answer came. */
function errorCodeOf(cause: unknown): number {
  const { errorCode } = (cause ?? {}) as { errorCode?: unknown };
  return typeof errorCode === 'number' ? errorCode : 0;
}

export function ofMessage(message: StoredMessage | undefined, base: number): Outcome {
  if (message === undefined) return null;
  const { seq, subject, headers, data } = message;
  return { seq: seq - base, subject, data: ofBytes(data), headers: ofHeaders(headers, base) };
}

export function ofValue({ bytes, revision }: StoredValue, base: number): Outcome {
  return { data: ofBytes(bytes), revision: relative(revision, base) };
}

/** A revision counted from the trace's start; 0 stays 0, which means that there is none. */
function relative(revision: number, base: number): number {
  return revision === 0 ? 0 : revision - base;
}

export function ofBytes(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  return bytes.length > SHOWN_BYTES ? `${bytes.length} bytes` : decoder.decode(bytes);
}

/** What was thrown, by its code. */
export function ofThrown(error: unknown): Outcome {
  if (error instanceof WakebusError) return { threw: error.code };
  throw error;
}

const EXPECTED_SEQ = 'Nats-Expected-Last-Subject-Sequence';
/** `<stream> <sequence> <filter> <transform> <origin subject> <token>`: the sequence depends on what was there before the trace, the token on the server. */
const STREAM_SOURCE = 'Nats-Stream-Source';

/** Headers by name, with sequences counted from the trace's start. */
function ofHeaders(headers: Headers, base: number): Outcome {
  const entries = Object.entries(headers).map(([name, value]) => {
    if (name === EXPECTED_SEQ) return [name, String(relative(Number(value), base))];
    if (name === STREAM_SOURCE) return [name, value.split(' ').toSpliced(1, 1).slice(0, 4).join(' ')];
    return [name, value];
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)));
}
