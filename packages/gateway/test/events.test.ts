import { connect } from 'node:net';
import type { ServedGateway } from '@wakebus/gateway';
import { EventSource } from 'eventsource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type World, ask, eventually, everyone, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ authorize: everyone });
});

afterAll(() => world[Symbol.asyncDispose]());

async function note(id: string, upTo: number, from = 1): Promise<void> {
  for (let n = from; n <= upTo; n += 1) await world.client.agent('tally', id).call({ type: 'note', text: `${n}` });
}

interface Turn {
  readonly seq: number;
  readonly events: ReadonlyArray<{ readonly payload: { readonly text: string } }>;
}

/** A browser's reader, by a library that nobody here wrote. */
class Reader implements Disposable {
  readonly texts: string[] = [];
  readonly lives: unknown[] = [];
  readonly ids: string[] = [];
  readonly source: EventSource;

  constructor(url: string, token?: string) {
    this.source = new EventSource(url, {
      fetch: (input, init) =>
        fetch(input, {
          ...init,
          headers: { ...init.headers, ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
        }),
    });
    this.source.addEventListener('turn', (event) => {
      this.ids.push(event.lastEventId);
      for (const { payload } of (JSON.parse(event.data as string) as Turn).events) this.texts.push(payload.text);
    });
    for (const kind of ['lifecycle', 'emit'])
      this.source.addEventListener(kind, (event) => this.lives.push(JSON.parse(event.data as string)));
  }

  [Symbol.dispose](): void {
    this.source.close();
  }
}

function numbers(from: number, upTo: number): string[] {
  return Array.from({ length: upTo - from + 1 }, (_, i) => String(from + i));
}

test('a reader gets every turn in order, from the place that it names, and what is emitted', async () => {
  await note('read', 3);
  using reader = new Reader(`${gateway.url}/agents/tally/read/events?after=0`);
  await eventually(() => reader.texts).toEqual(numbers(1, 3));

  await note('read', 20, 4);
  await world.client.agent('tally', 'read').send({ type: 'shout', word: 'ho' });

  await eventually(() => reader.texts).toEqual([...numbers(1, 20), undefined]);
  await eventually(() => reader.lives).toContainEqual(
    expect.objectContaining({ address: 'tally/read', event: { type: 'shouted', word: 'ho' } }),
  );
  expect(reader.ids.map(Number)).toEqual(reader.ids.map(Number).toSorted((a, b) => a - b));
});

test('a reader whose connection breaks, to another gateway even, resumes by Last-Event-ID without a gap or a repetition', async () => {
  const first = await world.serve({ authorize: everyone });
  const port = Number(new URL(first.url).port);
  using reader = new Reader(`${first.url}/agents/tally/resumed/events?after=0`);
  await note('resumed', 5);
  await eventually(() => reader.texts).toEqual(numbers(1, 5));

  await first.close();
  await note('resumed', 9, 6);
  await world.serve({ authorize: everyone, port });

  await eventually(() => reader.texts).toEqual(numbers(1, 9));
});

test('all agents of a type are read in one stream', async () => {
  using reader = new Reader(`${gateway.url}/events?agent=tally/*`);
  await eventually(() => reader.source.readyState).toBe(1);

  await eventually(async () => {
    await note('several-a', 1);
    await note('several-b', 1);
    return reader.texts.length;
  }).toBeGreaterThan(1);
});

test('HEAD opens no stream', async () => {
  const small = await world.serve({ authorize: everyone, limits: { streams: 1 } });

  for (let i = 0; i < 3; i += 1) expect((await ask(small, 'HEAD', '/events')).status).toBe(200);
});

test.each([
  ['/agents/tally/x/events?after=then', 400],
  ['/events?agent=tally', 400],
])('%s is answered %i', async (path, status) => {
  expect((await ask(gateway, 'GET', path)).status).toBe(status);
});

describe('bounds', () => {
  test('a stream more than there may be is refused with Retry-After, and one that ends makes room', async () => {
    const small = await world.serve({ authorize: everyone, limits: { streams: 1 } });
    const only = new AbortController();
    const held = await fetch(`${small.url}/events`, { signal: only.signal });
    expect(held.status).toBe(200);

    const refused = await ask(small, 'GET', '/events');
    only.abort();

    expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
      503,
      'OVERLOADED',
      '2',
    ]);
    await eventually(async () => {
      const again = new AbortController();
      const { status } = await fetch(`${small.url}/events`, { signal: again.signal });
      again.abort();
      return status;
    }).toBe(200);
  });

  test('a reader that reads nothing is given up, and its place is free', async () => {
    const small = await world.serve({ authorize: everyone, limits: { streams: 1, stalledMs: 200 } });
    const { port } = new URL(small.url);
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.pause();
    socket.write('GET /agents/tally/flood/events?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');

    // More than the buffers between the two hold; kept in history, and not in the agent.
    const padding = 'x'.repeat(15_000);
    const flood = world.client.agent({ type: 'tally' }, 'flood');
    await eventually(async () => {
      await Promise.all(Array.from({ length: 200 }, () => flood.send({ type: 'tell', padding })));
      const again = new AbortController();
      const { status } = await fetch(`${small.url}/events`, { signal: again.signal });
      again.abort();
      return status;
    }).toBe(200);
    socket.resume();
    socket.destroy();
    await closed;
  });

  test('a token that is revoked ends the streams that were opened with it', async () => {
    const guarded = await world.serve();
    const { token, record } = await world.tokens.issue({ target: 'tally/*', verbs: ['read'] });
    const response = await fetch(`${guarded.url}/agents/tally/watched/events`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(200);
    const ended = response.text();

    await world.tokens.revoke(record.id);

    expect(await ended).toContain('retry:');
  });
});
