/**
 * The raw bytes of a request, within a size and a time.
 *
 * On Node.js's own server they are read from the socket's stream: a web stream in between costs more than
 * everything else that is done for a small event.
 */
import type { IncomingMessage } from 'node:http';
import { WakebusError } from '@wakebus/protocol';

/** What bounds a body. */
export interface BodyLimits {
  readonly limitBytes: number;
  readonly arrivalMs: number;
}

/**
 * Reads it whole.
 *
 * @param incoming - The request of Node.js's server, where there is one.
 * @throws {WakebusError} `REQUEST_TOO_LARGE`, `REQUEST_TIMEOUT`; `INVALID_PAYLOAD` when it breaks off.
 */
export function readBody(
  request: Request,
  incoming: IncomingMessage | undefined,
  limits: BodyLimits,
): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limits.limitBytes) throw tooLarge(limits);
  if (incoming === undefined || incoming.readableDidRead) return readStream(request, limits);
  return readIncoming(incoming, limits);
}

function readIncoming(incoming: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const timer = setTimeout(() => end(() => reject(tooSlow(limits))), limits.arrivalMs);
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.limitBytes) end(() => reject(tooLarge(limits)));
      else chunks.push(chunk);
    };
    const onEnd = (): void =>
      end(() => together(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))));
    const onBroken = (): void => end(() => reject(broken()));
    const end = (then: () => void): void => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      then();
    };
    incoming.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}

const ready: Array<() => void> = [];

/** Bodies that have come in one round of the event loop go on together: what becomes of them is one write to the NATS server, not one each. */
function together(go: () => void): void {
  if (ready.push(go) > 1) return;
  setImmediate(() => {
    for (const each of ready.splice(0)) each();
  });
}

async function readStream(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(tooSlow(limits)), limits.arrivalMs);
  try {
    return await Promise.race([readAll(reader, limits), timeout.promise]);
  } catch (error) {
    reader.cancel().catch(() => {}); // What is left of it interests nobody.
    throw error instanceof WakebusError ? error : broken();
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, limits: BodyLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    sizeBytes += next.value.length;
    if (sizeBytes > limits.limitBytes) throw tooLarge(limits);
    chunks.push(next.value);
  }
  return Buffer.concat(chunks);
}

function tooLarge({ limitBytes }: BodyLimits): WakebusError {
  return new WakebusError('REQUEST_TOO_LARGE', { what: 'body', limit: limitBytes });
}

function tooSlow({ arrivalMs }: BodyLimits): WakebusError {
  return new WakebusError('REQUEST_TIMEOUT', { timeoutMs: arrivalMs });
}

function broken(): WakebusError {
  return new WakebusError('INVALID_PAYLOAD', { why: 'the body broke off' });
}
