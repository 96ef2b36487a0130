/**
 * Anything at all, sent to a gateway: no crash, no answer 500, and no header that gets into a message.
 *
 * A slice with each run of the tests; `FUZZ_RUNS=100000` for more.
 */
import { connect } from 'node:net';
import { jetstreamManager } from '@nats-io/jetstream';
import { type ServedGateway, createGateway } from '@wakebus/gateway';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytes, delivery, request, webhooks } from './fuzz-requests.ts';
import { type World, ask, everyone, startWorld } from './world.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 400);
/** A run takes 2 ms, and a busy machine ten times as long. */
const timeoutMs = 60_000 + runs * 20;

let world: World;
let gateway: Awaited<ReturnType<typeof createGateway>>;
let served: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  const limits = { failuresPerAddress: 1e9, waitMs: 5, storeMs: 2_000 };
  gateway = await createGateway({ connection: world.connection, authorize: everyone, webhooks, limits });
  served = await world.serve({ authorize: everyone, webhooks, limits: { ...limits, arrivalMs: 1_000 } });
});

afterAll(async () => {
  gateway.close();
  await world[Symbol.asyncDispose]();
});

/** Sends it, and reads the answer. @returns its status. */
async function statusOf(url: string, init: RequestInit): Promise<number> {
  const response = await gateway.fetch(new Request(url, init));
  if (response.headers.get('content-type') === 'text/event-stream') await response.body?.cancel();
  else await response.arrayBuffer();
  return response.status;
}

test(
  'nothing makes it fail',
  async () => {
    const property = fc.asyncProperty(request, async ({ method, path, query, headers, body }) => {
      const url = `http://gateway.example${path}${query}`;
      fc.pre(URL.canParse(url));
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const status = await statusOf(url, { method, headers, ...(hasBody && { body: Buffer.from(body) }) });
      expect(status).not.toBe(500);
      expect(status).toBeGreaterThanOrEqual(200);
    });
    await fc.assert(property, { numRuns: runs });
  },
  timeoutMs,
);

test(
  'nothing that a believed sender says makes it fail',
  async () => {
    const statuses = new Map<number, number>();
    const property = fc.asyncProperty(delivery, async ({ path, headers, body }) => {
      const url = `http://gateway.example${path}`;
      const status = await statusOf(url, { method: 'POST', headers, body: Buffer.from(body) });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      // Neither has it failed, nor was the sender taken for a stranger.
      expect([200, 202, 204, 400, 413, 415, 422]).toContain(status);
    });
    await fc.assert(property, { numRuns: runs });

    expect(statuses.get(202)).toBeGreaterThan(0);
  },
  timeoutMs,
);

test(
  'no bytes on its port make it fail',
  async () => {
    const property = fc.asyncProperty(bytes, async (sent) => {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume().end(sent);
      });
    });
    await fc.assert(property, { numRuns: Math.ceil(runs / 4) });

    expect((await ask(served, 'GET', '/ready')).status).toBe(200);
  },
  timeoutMs,
);

test(
  'and no header of all that got into a message',
  async () => {
    const jsm = await jetstreamManager(world.connection);
    const { state } = await jsm.streams.info('wakebus_inbox');
    const allowed = new Set([
      'nats-msg-id',
      'content-type',
      'traceparent',
      'tracestate',
      'wakebus-reply',
      'wakebus-deadline',
    ]);
    const added = /^nats-(sequence|stream|subject|time-stamp|num-pending|last-sequence)$/;
    const stored = await jsm.direct.getBatch('wakebus_inbox', { seq: 1, batch: Math.max(1, state.messages) });
    let read = 0;
    for await (const { header, subject } of stored) {
      read += 1;
      const names = header
        .keys()
        .map((each) => each.toLowerCase())
        .filter((each) => !added.test(each));
      expect(names.filter((each) => !allowed.has(each))).toEqual([]);
      expect(header.get('Wakebus-Reply')).toMatch(/^$|^_INBOX\.[0-9a-f]{32}\./);
      expect(header.get('Nats-Msg-Id')).toMatch(new RegExp(`^${subject.split('.').slice(3, 5).join('\\.')}:`));
    }

    expect(read).toBeGreaterThan(5);
  },
  timeoutMs,
);
