/**
 * `GET /socket`: a WebSocket for clients that send and listen over one connection. Texts of JSON, each by itself:
 *
 * `{"send": {"agent", "event", "data"?, "id"?}, "wait"?: seconds, "ref"?}` → `{"ref", "accepted"}` or `{"ref", "reply"}`;
 * `{"follow": pattern, "after"?: seq, "ref"?}` → `{"ref", "turn" | "lifecycle" | "emit"}` as they happen; one at a time;
 * what goes wrong → `{"ref", "problem"}`. The token is checked anew with every text.
 */
import { upgradeWebSocket } from '@hono/node-server';
import { JSON_TYPE, WakebusError, decodePayload, eventOf, toJson } from '@wakebus/protocol';
import { type Grant, allowAgent, allowPattern } from '../access.ts';
import { Feed } from '../feed.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { checkJsonShape } from '../json-shape.ts';
import { problemOf } from '../problem.ts';

/** Bytes that may wait for a reader before commits wait in the stream. */
const MOST_WAITING_BYTES = 262_144;
/** How often a full buffer is looked at, in milliseconds. */
const ROOM_CHECK_MS = 50;

/** What is used of a WebSocket. */
interface Wire {
  send(text: string): void;
  close(): void;
  readonly raw?: { readonly bufferedAmount?: number };
}

/** Turns a request into a socket. @throws {WakebusError} `INVALID_OPTION` when it asks for none, or the server has none; `OVERLOADED`. */
export async function socket(context: GatewayContext, call: Call): Promise<Response> {
  if (call.req.header('upgrade')?.toLowerCase() !== 'websocket')
    throw new WakebusError('INVALID_OPTION', { option: 'Upgrade', why: 'open a WebSocket here' });
  const session = new SocketSession(context, call);
  const upgrade = upgradeWebSocket(() => ({
    onOpen: (_event, wire) => session.open(wire as unknown as Wire),
    onMessage: (event) => session.take(event.data),
    onClose: () => session.close(),
    onError: () => session.close(),
  }));
  const response = await upgrade(call, async () => {});
  if (response instanceof Response && response.status < 500) return response;
  session.close();
  throw new WakebusError('INVALID_OPTION', { option: 'Upgrade', why: 'this server takes no WebSockets' });
}

type Text = Readonly<Record<string, unknown>>;

class SocketSession {
  readonly #context: GatewayContext;
  readonly #call: Call;
  #wire: Wire | undefined;
  #feed: Feed | undefined;
  #isOver = false;
  readonly #onGatewayEnd = (): void => this.#wire?.close();

  constructor(context: GatewayContext, call: Call) {
    this.#context = context;
    this.#call = call;
    context.streams.take();
  }

  open(wire: Wire): void {
    this.#wire = wire;
    this.#context.signal.addEventListener('abort', this.#onGatewayEnd);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.signal.removeEventListener('abort', this.#onGatewayEnd);
    this.#context.streams.give();
    this.#feed?.stop();
  }

  take(data: unknown): void {
    void this.#answer(data);
  }

  async #answer(data: unknown): Promise<void> {
    let ref: unknown;
    let isSend = false;
    let grant: Grant | undefined;
    try {
      const text = readText(data, this.#context.limits.bodyBytes);
      ref = text['ref'];
      isSend = text['follow'] === undefined;
      grant = await this.#context.admit(this.#call);
      if (isSend) this.#say(ref, await this.#send(text, grant));
      else this.#follow(text, grant);
    } catch (error) {
      if (isSend) this.#context.refusals.note({ action: 'send', endpoint: '/socket', error, grant });
      this.#say(ref, { problem: problemOf(error) });
    }
  }

  async #send(text: Text, grant: Grant): Promise<object> {
    const { agent, event, data, id } = (text['send'] ?? {}) as Text;
    const { wait } = text;
    if (typeof agent !== 'string' || typeof event !== 'string' || (id !== undefined && typeof id !== 'string'))
      throw invalid('{"send": {"agent": text, "event": text, "data"?, "id"?: text}, "wait"?: seconds}');
    const { client, limits } = this.#context;
    const handle = client.agentAt(agent);
    allowAgent(grant, wait === undefined ? 'send' : 'call', handle.key);
    const named = id === undefined ? {} : { id };
    if (wait === undefined)
      return { accepted: await handle.send(eventOf(event, data), { ...named, deadlineMs: limits.storeMs }) };
    const deadlineMs = Math.min(Number(wait) * 1_000, limits.waitMs);
    const reply = await this.#context.waiting(grant, () => handle.call(eventOf(event, data), { ...named, deadlineMs }));
    return { reply: reply ?? null };
  }

  /** One at a time: a new one ends the one before. */
  #follow(text: Text, grant: Grant): void {
    const { follow: pattern, after, ref } = text;
    if (typeof pattern !== 'string' || (after !== undefined && !Number.isSafeInteger(after)))
      throw invalid('{"follow": pattern, "after"?: a sequence of history}');
    allowPattern(grant, 'read', pattern);
    this.#feed?.stop();
    const feed: Feed = new Feed(this.#context, this.#call, {
      pattern,
      ...(after !== undefined && { after: after as number }),
      take: ({ kind, data }) => this.#say(ref, { [kind]: data }),
      hasRoom: () => this.#waitingBytes < MOST_WAITING_BYTES,
      room: () => this.#room(),
      onEnd: () => this.#feed === feed && !this.#isOver && this.#wire?.close(),
    });
    this.#feed = feed;
    feed.start();
  }

  get #waitingBytes(): number {
    return this.#wire?.raw?.bufferedAmount ?? 0;
  }

  async #room(): Promise<void> {
    while (!this.#isOver && this.#waitingBytes >= MOST_WAITING_BYTES)
      await new Promise((resolve) => {
        setTimeout(resolve, ROOM_CHECK_MS);
      });
  }

  #say(ref: unknown, what: object): void {
    if (!this.#isOver) this.#wire?.send(toJson({ ...(ref !== undefined && { ref }), ...what }));
  }
}

function readText(data: unknown, limitBytes: number): Text {
  if (typeof data !== 'string') throw invalid('text');
  const bytes = Buffer.from(data);
  if (bytes.length > limitBytes) throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes: bytes.length, limitBytes });
  checkJsonShape(bytes);
  const value = decodePayload(bytes, JSON_TYPE);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('an object');
  return value as Text;
}

function invalid(form: string): WakebusError<'INVALID_PAYLOAD'> {
  return new WakebusError('INVALID_PAYLOAD', { why: `a text of a socket is ${form}` });
}
