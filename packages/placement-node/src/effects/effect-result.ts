/** How an attempt has ended, as its agent is told. */
import { EVENT_LIMIT_BYTES, type EffectResult, WakebusError, encodeToSend, isWakebusError } from '@wakebus/protocol';

/** What is said of an attempt besides which one it is. */
export type Outcome = Pick<EffectResult, 'outcome' | 'output' | 'error' | 'isFinal' | 'files'>;

/** A result as it travels. An output that cannot be stored is a failure that no repetition mends. */
export function encodeResult(result: EffectResult): Uint8Array {
  try {
    return encodeLimited(result);
  } catch (thrown) {
    if (!isWakebusError(thrown)) throw thrown;
    const { output: _output, files: _files, error: given, ...rest } = result;
    if (result.outcome === 'failed') return encodeLimited({ ...rest, error: plainError(given) });
    return encodeLimited({ ...rest, outcome: 'failed', error: thrown, isFinal: true });
  }
}

/** @throws {WakebusError} `VALUE_NOT_DURABLE`, `EVENT_TOO_LARGE`. */
function encodeLimited(result: EffectResult): Uint8Array {
  const data = encodeToSend(result);
  if (data.length <= EVENT_LIMIT_BYTES) return data;
  throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes: data.length, limitBytes: EVENT_LIMIT_BYTES });
}

/** Clients of services throw errors that hold sockets and callbacks: what remains is what can be read. */
function plainError(given: unknown): Error {
  const { name, message, code } = (typeof given === 'object' && given !== null ? given : {}) as Partial<
    Record<'name' | 'message' | 'code', unknown>
  >;
  const error = new Error((typeof message === 'string' ? message : String(given)).slice(0, 2_000));
  if (typeof name === 'string') error.name = name.slice(0, 200);
  return typeof code === 'string' || typeof code === 'number' ? Object.assign(error, { code }) : error;
}
