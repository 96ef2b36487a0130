/** What outsiders may throw at a bus: every bad message ends in the dead letters with its reason, and nothing else is harmed. */
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { defineAgent, sendToAgent } from '@wakebus/core';
import { MAX_NODES, encode } from '@wakebus/protocol';
import { connect as plainConnect } from 'nats';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Sends something that must be given up, between two events that must not. */
async function expectGivenUp(
  bus: TestDeployment,
  event: string,
  data: Uint8Array,
  code: string,
  type?: string,
): Promise<void> {
  await bus.list('ada').call({ type: 'add', item: 'before' });
  const options = headers();
  if (type !== undefined) options.set('Content-Type', type);
  bus.connection.publish(bus.layout.agentSubject(bus.list('ada').key, event), data, { headers: options });
  await bus.list('ada').call({ type: 'add', item: 'after' });
  await bus.drained();

  expect(await bus.items('ada')).toEqual(['before', 'after']);
  const [letter] = await bus.deadLetters();
  expect(letter).toMatchObject({ code, attempts: 0, key: 'list.ada' });
  expect(letter?.data).toEqual(data);
}

describe('a payload', () => {
  const cases: ReadonlyArray<readonly [what: string, data: Uint8Array, type: string]> = [
    ['that is neither JSON nor MessagePack', text('hello there'), 'application/json'],
    ['of MessagePack that is cut short', encode({ item: 'x' }).slice(0, 4), 'application/msgpack'],
    ['of MessagePack that is called JSON', encode({ item: 'x' }), 'application/json'],
    ['nested ten thousand deep', text(`${'['.repeat(10_000)}${']'.repeat(10_000)}`), 'application/json'],
    [
      'of a hundred thousand keys',
      text(JSON.stringify(Array.from({ length: MAX_NODES + 1 }, () => 0))),
      'application/json',
    ],
    ['of bytes that are no text', new Uint8Array([0xff, 0xfe, 0x00]), 'application/json'],
  ];
  test.each(cases)('%s is given up', async (_what, data, type) => {
    const bus = await deploy();
    await bus.startNode();

    await expectGivenUp(bus, 'add', data, 'INVALID_PAYLOAD', type);
  });

  test('with `__proto__` keys is data like any other', async () => {
    const bus = await deploy();
    await bus.startNode();
    const subject = bus.layout.agentSubject(bus.list('ada').key, 'add');

    bus.connection.publish(subject, text('{"item":{"__proto__":{"admin":true},"constructor":1}}'));

    await eventually(async () => expect(await bus.items('ada')).toHaveLength(1));
    const [item] = (await bus.items('ada')) as [{ admin?: boolean }];
    expect([item.admin, ({} as { admin?: boolean }).admin]).toEqual([undefined, undefined]);
    expect(await bus.list('ada').call({ type: 'tell' })).toHaveLength(1);
  });
});

describe('an event', () => {
  test.each([
    ['that only the machine raises', 'xstate.done.actor.x', 'RESERVED_EVENT'],
    ['that only the runtime sends', 'wakebus.remove', 'RESERVED_EVENT'],
    ['that the machine does not know', 'no.such.event', 'EVENT_UNKNOWN'],
    ['whose name no encoder wrote', 'a=zz', 'INVALID_EVENT'],
  ])('%s is given up', async (_what, event, code) => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('ada').call({ type: 'add', item: 'before' });
    const subject = bus.layout.agentSubject(bus.list('ada').key, 'EVENT').replace(/EVENT$/, event);

    bus.connection.publish(subject, '{}');

    await eventually(async () => expect((await bus.deadLetters()).map((letter) => letter.code)).toEqual([code]));
    await bus.drained();
    expect(await bus.items('ada')).toEqual(['before']);
  });
});

describe('an address', () => {
  const ids = [
    'a.b',
    'a b',
    '**',
    '>',
    'a*b>',
    '__proto__',
    'constructor',
    'ünïcödé',
    '🦊/🦔',
    'a\r\nb',
    '\u0000',
    '=41',
    '$JS',
  ];
  test.each(ids)('of an odd kind (%j) is one agent, with its own state', async (id) => {
    const bus = await deploy();
    await bus.startNode();

    expect(await bus.list(id).call({ type: 'add', item: id })).toBe(1);

    await bus.drained();
    expect(await bus.items(id)).toEqual([id]);
    expect((await bus.inspect(id)).address).toBe(`list/${id}`);
  });

  test('whose ID is * belongs to the type itself, which takes no events of its machine', async () => {
    const bus = await deploy();
    await bus.startNode();

    expect(await failure(bus.list('*').call({ type: 'add', item: 1 }))).toMatchObject({ code: 'EVENT_UNKNOWN' });

    await bus.drained();
    expect((await bus.deadLetters()).map(({ code }) => code)).toEqual(['EVENT_UNKNOWN']);
  });

  test('that is empty or far too long is refused by the client, with nothing sent', async () => {
    const bus = await deploy();
    const send = (id: string) => async (): Promise<unknown> => bus.list(id).send({ type: 'add', item: 1 });

    for (const id of ['', 'x'.repeat(10_240), '🦊'.repeat(30)])
      expect((await failure(send(id)())).code).toBe('INVALID_ADDRESS');
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(0);
  });

  test('that a plain publisher did not escape is given up, and its partition goes on', async () => {
    const bus = await deploy();
    await bus.startNode();
    const plain = await plainConnect({ servers: bus.server.url });
    const root = bus.layout.agentsFilter.replace('*.*.>', '');
    const tokens = ['=zz', 'caf\u00e9', '=41', 'a=2', 'x'.repeat(250), '*', '>'];

    for (const token of tokens) plain.publish(`${root}list.${token}.add`, text('{"item":1}'));
    await plain.flush();
    await plain.close();

    await eventually(async () => expect(await bus.deadLetters()).toHaveLength(tokens.length));
    expect(new Set((await bus.deadLetters()).map(({ code }) => code))).toEqual(new Set(['INVALID_ADDRESS']));
    await bus.drained();
    for (let i = 0; i < 16; i += 1) expect(await bus.list(`n${i}`).call({ type: 'add', item: i })).toBe(1);
  });
});

describe('a forgery', () => {
  test('of a runtime message cannot be published where outsiders may publish', async () => {
    const bus = await deploy();
    await bus.startNode();
    const { key } = bus.list('ada');
    const forged = {
      v: 1,
      sender: 'list.bob',
      incarnation: 1,
      number: 1,
      previous: 0,
      id: '1.0',
      event: { type: 'add', item: 'forged' },
    };
    for (const kind of ['s.message', 's.timer', 's.control', 'message', 'control'])
      bus.connection.publish(
        bus.layout.agentSubject(key, 'x').replace(/x$/, kind),
        encode({ ...forged, verb: 'remove', generation: 1, dueMs: 0 }),
      );

    await eventually(async () => expect(await bus.deadLetters()).toHaveLength(5));

    expect(new Set((await bus.deadLetters()).map(({ code }) => code))).toEqual(new Set(['INVALID_PAYLOAD']));
    await bus.drained();
    expect(await bus.items('ada')).toEqual([]);
    expect((await bus.inspect('ada')).lifecycle.name).toBe('awake');
  });

  test('of what nodes say to each other is nonsense that stops nobody', async () => {
    const bus = await deploy();
    const node = await bus.startNode();
    const { layout } = bus;
    const nonsense = [
      new Uint8Array(),
      new Uint8Array([0xc1]),
      text('{"x":1}'),
      encode(null),
      encode(7),
      encode({ key: 5, doorbells: 'x' }),
    ];
    const subjects = [
      layout.beatSubject,
      layout.nodeSubject(node.nodeId, 'forward'),
      layout.nodeSubject(node.nodeId, 'release'),
    ];

    for (const subject of subjects) for (const data of nonsense) bus.connection.publish(subject, data);
    for (const data of nonsense) bus.connection.publish(`$KV.${layout.leasesBucket}.ghost`, data);
    await bus.connection.flush();

    expect(await bus.list('ada').call({ type: 'add', item: 1 })).toBe(1);
    expect(node.status().members).toEqual([node.nodeId]);
  });

  test('of a reply subject makes no node publish elsewhere', async () => {
    const bus = await deploy();
    await bus.startNode();
    const heard: string[] = [];
    bus.connection.subscribe('>', { callback: (_error, { subject }) => void heard.push(subject) });
    for (const subject of ['victim.subject', '$JS.API.STREAM.DELETE.x', '_INBOX.>', '_INBOX.a\r\nb']) {
      const forged = headers();
      forged.set('Wakebus-Reply', subject.replaceAll(/[\r\n]/g, ' '));
      bus.connection.publish(bus.layout.agentSubject(bus.list('ada').key, 'tell'), '', { headers: forged });
    }

    await bus.list('ada').call({ type: 'add', item: 1 });

    await bus.drained();
    expect(
      heard.filter(
        (subject) =>
          subject === 'victim.subject' || subject.startsWith('$JS.API.STREAM.DELETE') || subject === '_INBOX.a',
      ),
    ).toEqual([]);
  });
});

test('an agent that sends more than an inbox takes fails that event, and the node lives', async () => {
  const bus = await deploy();
  const machine = createMachine({
    on: { burst: { actions: sendToAgent('list/b', { type: 'add', item: 'x'.repeat(300_000) }) } },
  });
  const loud = defineAgent({ type: 'loud', machine, retry: { attempts: 1, backoffMs: 10 } });
  await bus.startNode({ agents: [loud, listAgent()] });

  const error = await failure(bus.client.agent('loud', 'a').call({ type: 'burst' }));

  expect(error).toMatchObject({ code: 'DEAD_LETTERED', message: expect.stringMatching(/262144/) as string });
  expect(await bus.list('b').call({ type: 'add', item: 1 })).toBe(1);
});

test('a payload over the limit is refused by the inbox itself, whoever sends it', async () => {
  const bus = await deploy();
  await bus.startNode();
  const subject = bus.layout.agentSubject(bus.list('ada').key, 'add');
  const keys = JSON.stringify(Object.fromEntries(Array(1e6).fill(0).entries()));

  for (const payload of [keys.slice(0, 400_000), keys.slice(0, 5_000_000)])
    await expect(jetstream(bus.connection).publish(subject, payload)).rejects.toMatchObject({ code: 10054 });

  expect(await bus.list('ada').call({ type: 'add', item: 1 })).toBe(1);
  expect(await bus.deadLetters()).toEqual([]);
});

test('a plain publisher needs nothing of Wakebus, and its message ID counts once', async () => {
  const bus = await deploy();
  await bus.startNode();
  const plain = await plainConnect({ servers: bus.server.url });
  const js = plain.jetstream();
  const subject = bus.layout.agentSubject(bus.list('ada').key, 'add');

  await js.publish(subject, text('{"item":"json"}'), { msgID: 'delivery-1' });
  await js.publish(subject, text('{"item":"json"}'), { msgID: 'delivery-1' });
  await js.publish(subject, text('{"item":"no id"}'));
  plain.publish(subject, text('{"item":"not even an acknowledgement"}'));

  await eventually(async () =>
    expect(await bus.items('ada')).toEqual(['json', 'no id', 'not even an acknowledgement']),
  );
  await plain.close();
});
