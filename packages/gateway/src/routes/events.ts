/**
 * `GET /agents/:type/:id/events` and `GET /events?agent=<pattern>`: server-sent events.
 *
 * `turn` is a commit; its `id` is its sequence in history, so that a browser that reconnects with `Last-Event-ID`
 * goes on without a gap. `lifecycle` and `emit` are live: they carry no `id`, and whoever does not listen misses them.
 */
import { WakebusError, toJson } from '@wakebus/protocol';
import { type Grant, allowPattern } from '../access.ts';
import { Feed } from '../feed.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { patternOf } from './look.ts';

/** How soon a browser reconnects, in milliseconds. */
const RECONNECT_MS = 2_000;
/** A word when there is nothing to say, in milliseconds: proxies close what is silent for 30 s. */
const HEARTBEAT_MS = 15_000;
/** Frames that wait for the reader; live ones beyond are dropped, commits wait where they are. */
const MOST_WAITING = 64;

const HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' };

/** Opens a stream. @throws {WakebusError} `OVERLOADED`, `INVALID_OPTION`, `INVALID_ADDRESS`, `FORBIDDEN`. */
export function events(context: GatewayContext, call: Call, grant: Grant): Response {
  const pattern = patternOf(call);
  allowPattern(grant, 'read', pattern);
  const after = readPlace(call.req.header('last-event-id') ?? call.req.query('after'));
  // A HEAD would open a stream that nobody reads and nobody closes.
  if (call.req.raw.method === 'HEAD') return new Response(null, { headers: HEADERS });
  const stream = new EventStream(context, call, after === undefined ? { pattern } : { pattern, after });
  return new Response(stream.body, { headers: HEADERS });
}

/** A sequence of history. @throws {WakebusError} `INVALID_OPTION`. */
function readPlace(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new WakebusError('INVALID_OPTION', {
    option: 'Last-Event-ID',
    why: 'write the id of an event of such a stream',
  });
}

/** One reader. */
class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #feed: Feed;
  readonly #encoder = new TextEncoder();
  readonly #heartbeat: NodeJS.Timeout;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #onRoom: () => void = () => {};

  constructor(context: GatewayContext, call: Call, from: { readonly pattern: string; readonly after?: number }) {
    this.#feed = new Feed(context, call, {
      ...from,
      take: (event) => this.#take(event.kind, event.data, event.kind === 'turn' ? event.seq : undefined),
      hasRoom: () => this.#room > 0,
      room: () => new Promise((resolve) => (this.#onRoom = resolve)),
      onEnd: (isStalled) => this.#end(isStalled),
    });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
          this.#write(`retry: ${RECONNECT_MS}\n\n`);
          this.#feed.start();
        },
        pull: () => this.#onRoom(),
        cancel: () => this.#feed.stop(),
      },
      { highWaterMark: MOST_WAITING },
    );
  }

  get #room(): number {
    return this.#controller.desiredSize ?? 0;
  }

  #take(kind: string, data: unknown, id: number | undefined): void {
    this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${toJson(data)}\n\n`);
  }

  #beat(): void {
    if (this.#room > 0) this.#write(':\n\n');
  }

  #write(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text));
  }

  /** A reader that is still there comes again, from where it was. What one that stalls has not read is dropped with its connection. */
  #end(isStalled: boolean): void {
    clearInterval(this.#heartbeat);
    try {
      if (isStalled) this.#controller.error(new Error('the reader has stalled'));
      else this.#controller.close();
    } catch {
      // The reader went first.
    }
  }
}
