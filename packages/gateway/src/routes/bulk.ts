/**
 * `POST /events`: many events as NDJSON, an answer for each in a line of its own.
 *
 * Events to one agent are stored in the order of their lines; those to different agents side by side.
 */
import { JSON_TYPE, WakebusError, decodePayload, eventOf, toJson } from '@wakebus/protocol';
import { type Grant, allowAgent } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { checkJsonShape } from '../json-shape.ts';
import { problemOf } from '../problem.ts';

/** Media type of lines of JSON. */
const NDJSON = 'application/x-ndjson';
/** Events under way at a time, of one request. */
const WINDOW = 256;
const NEWLINE = 0x0a;
const ACCEPTED = 202;

/** A line as it is sent. */
interface BulkLine {
  readonly agent: string;
  readonly event: string;
  readonly data?: unknown;
  readonly id?: string;
}

export async function bulk(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const { limits } = context;
  const lines = linesOf(await context.bodyOf(call, limits.bulkBytes));
  if (lines.length > limits.bulkLines)
    throw new WakebusError('REQUEST_TOO_LARGE', { what: 'number of lines', limit: limits.bulkLines });
  const answers = await new Bulk(context, grant).send(lines);
  return new Response(answers.join(''), { status: 200, headers: { 'Content-Type': NDJSON } });
}

/** Where each line stands in the bytes; empty ones are none. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (line.some((byte) => byte > 0x20)) lines.push(line);
    start = end < 0 ? bytes.length : end + 1;
  }
  return lines;
}

/** One request's events on their way. */
class Bulk {
  readonly #context: GatewayContext;
  readonly #grant: Grant;
  /** The last event of each agent that is under way. */
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(context: GatewayContext, grant: Grant) {
    this.#context = context;
    this.#grant = grant;
  }

  async send(lines: readonly Uint8Array[]): Promise<string[]> {
    const answers: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < lines.length) {
        const at = next;
        next += 1;
        answers[at] = `${toJson({ line: at + 1, ...(await this.#answer(lines[at] as Uint8Array)) })}\n`;
      }
    };
    await Promise.all(Array.from({ length: Math.min(WINDOW, lines.length) }, worker));
    return answers;
  }

  async #answer(bytes: Uint8Array): Promise<object> {
    try {
      return { status: ACCEPTED, ...(await this.#store(readLine(bytes, this.#context.limits.bodyBytes))) };
    } catch (error) {
      this.#context.refusals.note({ action: 'send', endpoint: '/events', error, grant: this.#grant });
      const { status, code, next, detail, facts } = problemOf(error);
      return { status, code, next, detail, ...(facts !== undefined && { facts }) };
    }
  }

  #store({ agent, event, data, id }: BulkLine): Promise<{ messageId: string; seq: number; duplicate: boolean }> {
    const { client, limits } = this.#context;
    const handle = client.agentAt(agent);
    const { key } = handle;
    allowAgent(this.#grant, 'send', key);
    const options = { deadlineMs: limits.storeMs, ...(id !== undefined && { id }) };
    const before = this.#tails.get(key) ?? Promise.resolve();
    const stored = before.then(() => handle.send(eventOf(event, data), options));
    const tail = stored.catch(() => {});
    this.#tails.set(key, tail);
    void tail.then(() => this.#tails.get(key) === tail && this.#tails.delete(key));
    return stored;
  }
}

function readLine(bytes: Uint8Array, limitBytes: number): BulkLine {
  if (bytes.length > limitBytes) throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes: bytes.length, limitBytes });
  checkJsonShape(bytes);
  const line = decodePayload(bytes, JSON_TYPE) as Partial<BulkLine> | null;
  const { agent, event, id } = line ?? {};
  if (typeof agent !== 'string' || typeof event !== 'string' || (id !== undefined && typeof id !== 'string'))
    throw new WakebusError('INVALID_PAYLOAD', {
      why: 'a line is {"agent": text, "event": text, "data"?, "id"?: text}',
    });
  return line as BulkLine;
}
