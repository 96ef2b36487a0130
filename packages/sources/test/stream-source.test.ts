import { headers } from '@nats-io/transport-node';
import { type StreamSourceOptions, cloudEvents, streamSource } from '@wakebus/sources';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type World, eventually, soon, startWorld } from './world.ts';

let world: World;
/** Each test has a stream, a source and an agent of its own name. */
let name: string;
let count = 0;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
});

beforeEach(async () => {
  count += 1;
  name = `s${count}`;
  await world.jsm.streams.add({ name, subjects: [`${name}.>`] });
});

afterAll(() => world[Symbol.asyncDispose]());

type Body = { readonly to?: string; readonly text: string };

function source(more: Partial<StreamSourceOptions> = {}): ReturnType<typeof streamSource> {
  return streamSource({
    name,
    stream: name,
    map: ({ body }) => {
      const { to = name, text } = body as Body;
      return { agent: `keeper/${to}`, event: 'keep', data: { text } };
    },
    ...more,
  });
}

async function publish(texts: readonly string[], subject = `${name}.new`): Promise<void> {
  for (const text of texts) await world.js.publish(subject, JSON.stringify({ text }));
}

function consumer(): ReturnType<World['jsm']['consumers']['info']> {
  return world.jsm.consumers.info(name, `wakebus_source_${name}`);
}

async function acknowledged(upTo: number): Promise<void> {
  await eventually(async () => (await consumer()).ack_floor.stream_seq).toBe(upTo);
}

test('messages become events in their order, and are acknowledged once they are stored', async () => {
  const texts = Array.from({ length: 300 }, (_, i) => String(i));
  await publish(texts);

  await world.start([source({ inFlight: 64 })]);

  await eventually(() => world.kept(name)).toEqual(texts);
  await acknowledged(300);
  const { config } = await consumer();
  expect(config).toMatchObject({ ack_policy: 'explicit', max_deliver: -1, max_ack_pending: 64 });
});

test('of two processes that share a consumer each message is one event', async () => {
  const texts = Array.from({ length: 200 }, (_, i) => String(i));
  await Promise.all([world.start([source({ inFlight: 8 })]), world.start([source({ inFlight: 8 })])]);
  await publish(texts);

  await eventually(async () => (await world.kept(name)).toSorted()).toEqual(texts.toSorted());
  await acknowledged(200);
});

test('a source that starts again goes on where it was, and what is delivered again comes once', async () => {
  const first = await world.start([source()]);
  await publish(['a', 'b']);
  await eventually(() => world.kept(name)).toEqual(['a', 'b']);
  await first.stop();
  await publish(['c']);

  await world.start([source()]);
  await eventually(() => world.kept(name)).toEqual(['a', 'b', 'c']);
  await acknowledged(3);
});

test.each([
  ['new', 'new', ['later']],
  ['a sequence', { seq: 2 }, ['two', 'three', 'later']],
] as const)('it begins at %s', async (_what, from, expected) => {
  await publish(['one', 'two', 'three']);
  const sources = await world.start([source({ from })]);
  await eventually(() => sources.health()[0]?.state).toBe('running');

  await publish(['later']);

  await eventually(() => world.kept(name)).toEqual(expected);
});

test('it begins at a time', async () => {
  await publish(['before']);
  const stored = await world.jsm.streams.getMessage(name, { seq: 1 });
  await publish(['after']);

  await world.start([source({ from: { timeMs: (stored?.time.getTime() ?? 0) + 1 } })]);

  await eventually(() => world.kept(name)).toContain('after');
});

test('a replay brings everything in again from a point, beside the source without it', async () => {
  await publish(['one', 'two']);
  const first = await world.start([source()]);
  await eventually(() => world.kept(name)).toEqual(['one', 'two']);
  await first.stop();

  const refused = await world.start([source({ from: { seq: 2 } })], { ...soon });
  await eventually(() => refused.health()[0]).toMatchObject({ error: { code: 'SOURCE_MISCONFIGURED' } });
  await refused.stop();
  await world.start([source({ from: { seq: 2 }, replay: 'mended' })]);

  await eventually(() => world.kept(name)).toEqual(['one', 'two', 'two']);
});

test('subjects are chosen, several events come of one message, and what is of no interest is passed over', async () => {
  const health = await world.start([
    source({
      subjects: [`${name}.new`],
      map: ({ body, subject, seq }) => {
        const { text } = body as Body;
        if (text === 'dull') return undefined;
        return [name, `${name}-too`, name].map((id) => ({
          agent: `keeper/${id}`,
          event: 'keep',
          data: { text: `${text} ${subject} ${seq}` },
        }));
      },
    }),
  ]);
  await publish(['other'], `${name}.old`);
  await publish(['dull', 'news']);

  const expected = `news ${name}.new 3`;
  await eventually(() => world.kept(name)).toEqual([expected, expected]);
  expect(await world.kept(`${name}-too`)).toEqual([expected]);
  await acknowledged(3);
  expect(health.health()).toMatchObject([{ stored: 3, detail: { stream: name, lastSeq: 3 } }]);
});

describe('a message that cannot be mapped', () => {
  test('is tried again, then given up as a dead letter, and the others go on', async () => {
    let tries = 0;
    const sources = await world.start([
      source({
        tries: 2,
        map: ({ body }) => {
          const { text } = body as Body;
          if (text === 'poison') throw new Error(`no agent for it, try ${(tries += 1)}`);
          return { agent: `keeper/${name}`, event: 'keep', data: { text } };
        },
      }),
    ]);
    await publish(['poison', 'good']);

    await eventually(() => sources.health()[0]?.refused).toBe(1);
    const { messages } = await world.client.deadLetters.list({ code: 'SOURCE_REFUSED' });
    const letter = await world.client.deadLetters.get(messages.at(-1)?.id as number);
    expect(letter).toMatchObject({
      attempts: 2,
      seq: 1,
      payload: { text: 'poison' },
      message: expect.stringMatching(/no agent for it, try 2/),
    });
    expect(await world.kept(name)).toEqual(['good']);
    await acknowledged(2);
    expect(tries).toBe(2);
  });

  test.each([
    ['is no JSON', '{', {}],
    ['leads to no address', '{"to":"","text":"x"}', {}],
    ['makes an event that is too large', JSON.stringify({ text: 'x'.repeat(300_000) }), {}],
    ['makes no event', '{}', { map: () => ({ agent: 7 }) as never }],
  ])('for it %s, is given up too', async (_what, text, more) => {
    const sources = await world.start([source({ tries: 1, ...more })]);

    await world.js.publish(`${name}.new`, text);

    await eventually(() => sources.health()[0]).toMatchObject({ refused: 1, restarts: 0, state: 'running' });
    await acknowledged(1);
  });
});

describe('the consumer', () => {
  test('is refused where somebody has made it otherwise, until that is mended', async () => {
    await world.jsm.consumers.add(name, { durable_name: `wakebus_source_${name}`, ack_policy: 'none' });
    await publish(['a']);
    const sources = await world.start([source()]);
    await eventually(() => sources.health()[0]?.error).toMatchObject({
      code: 'SOURCE_MISCONFIGURED',
      message: expect.stringContaining('acknowledgement policy'),
    });

    await world.jsm.consumers.delete(name, `wakebus_source_${name}`);

    await eventually(() => world.kept(name)).toEqual(['a']);
  });

  test('that is removed while it is read is made again, and goes on where it was', async () => {
    await publish(['a', 'b']);
    const first = await world.start([source()]);
    await eventually(() => world.kept(name)).toEqual(['a', 'b']);
    await acknowledged(2);
    // Where it is, is written down at the end too.
    await first.stop();
    const second = await world.start([source()]);
    await eventually(() => second.health()[0]?.state).toBe('running');

    await world.jsm.consumers.delete(name, `wakebus_source_${name}`);
    await publish(['c']);

    await eventually(() => world.kept(name)).toEqual(['a', 'b', 'c']);
    expect((await consumer()).config).toMatchObject({ deliver_policy: 'by_start_sequence', opt_start_seq: 3 });
    expect(second.health()[0]?.restarts).toBeGreaterThan(0);
  });

  test('waits for a stream that is not there yet, and begins anew in one that was made anew', async () => {
    const sources = await world.start([source()]);
    await publish(['a']);
    await eventually(() => world.kept(name)).toEqual(['a']);
    await acknowledged(1);

    await world.jsm.streams.delete(name);
    await eventually(() => sources.health()[0]?.error).toMatchObject({ code: 'SOURCE_MISCONFIGURED' });
    await world.jsm.streams.add({ name, subjects: [`${name}.>`] });
    await publish(['first of the new']);

    await eventually(() => world.kept(name)).toEqual(['a', 'first of the new']);
  });
});

test('a trace goes on into the event', async () => {
  await world.start([source()]);
  const traced = headers();
  traced.set('traceparent', '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01');
  await world.js.publish(`${name}.new`, '{"text":"a"}', { headers: traced });

  await eventually(async () => (await world.client.history(`keeper/${name}`)).commits[0]?.traceparent).toContain(
    '0123456789abcdef0123456789abcdef',
  );
});

test('CloudEvents come in structured and in binary mode, and one that is published twice is one', async () => {
  const mapped = cloudEvents(({ type, data, source: from, subject }) => ({
    agent: `keeper/${name}`,
    event: 'keep',
    data: { text: `${type} ${from} ${String(subject)} ${(data as Body).text}` },
  }));
  const sources = await world.start([source({ ...mapped, tries: 1 })]);
  const structured = { specversion: '1.0', id: '1', source: '/shop', type: 'paid', subject: 'x', data: { text: 'a' } };
  const asJson = headers();
  asJson.set('content-type', 'application/cloudevents+json; charset=utf-8');
  const binary = headers();
  const attributes = { specversion: '1.0', id: '2', source: '/shop', type: 'p%20d', subject: '%C3%A9' };
  for (const [attribute, value] of Object.entries(attributes)) binary.set(`ce-${attribute}`, value);
  binary.set('Content-Type', 'application/json');

  for (let i = 0; i < 2; i += 1) {
    await world.js.publish(`${name}.new`, JSON.stringify(structured), { headers: asJson });
    await world.js.publish(`${name}.new`, '{"text":"b"}', { headers: binary });
  }
  await world.js.publish(`${name}.new`, '{"id":"3"}', { headers: asJson });

  await eventually(() => world.kept(name)).toEqual(['paid /shop x a', 'p d /shop é b']);
  await eventually(() => sources.health()[0]).toMatchObject({ stored: 2, duplicates: 2, refused: 1 });
});
