/**
 * Server-sent events over `fetch`, as `EventSource` carries no token. One stream; whoever opens it reconnects with the
 * last ID that it has seen.
 */
import { send } from './gateway.ts';

/** One event. */
export interface StreamEvent {
  readonly kind: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** Reads a stream to its end. @throws what {@link send} throws, and when it breaks off. */
export async function* readEvents(
  path: string,
  { signal, lastId }: { readonly signal: AbortSignal; readonly lastId?: string | undefined },
): AsyncGenerator<StreamEvent, void, void> {
  const headers = { Accept: 'text/event-stream', ...(lastId !== undefined && { 'Last-Event-ID': lastId }) };
  const { body } = await send('GET', path, { signal, headers });
  if (body === null) return;
  yield { kind: 'open', id: undefined, data: '' };
  let rest = '';
  for await (const text of textOf(body)) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = readBlock(block);
      if (event !== undefined) yield event;
    }
  }
}

async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** A block without data is a heartbeat. */
function readBlock(block: string): StreamEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^([a-z]+): ?(.*)$/s.exec(line) ?? [];
    if (name !== '') fields.set(name, value);
  }
  const data = fields.get('data');
  return data === undefined ? undefined : { kind: fields.get('event') ?? 'message', id: fields.get('id'), data };
}
