/**
 * What any NATS client gets: the plain `nats` package, which knows nothing of Wakebus, publishes JSON.
 */
import { type NatsConnection, connect, headers } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type TestDeployment, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

let deployment: TestDeployment<{ counter: typeof counter }>;
let plain: NatsConnection;

beforeAll(async () => {
  deployment = await startDeployment();
  await deployment.startNode([counter]);
  plain = await connect({ servers: deployment.server.url });
});

afterAll(async () => {
  await plain.close();
  await deployment[Symbol.asyncDispose]();
});

function total(id: string): Promise<number | undefined> {
  return deployment.client.inspect(counter, id).then((agent) => agent?.context.total);
}

function withId(id: string): ReturnType<typeof headers> {
  const named = headers();
  named.set('Nats-Msg-Id', id);
  return named;
}

test('JSON under agents.<type>.<id>.<event> reaches the agent, acknowledged when stored', async () => {
  const ack = await plain.jetstream().publish('agents.counter.json.add', JSON.stringify({ by: 3 }));

  expect(ack.stream).toBe('wakebus_inbox');
  await eventually(() => total('json')).toBe(3);
});

test('a core publish without any acknowledgement does too', async () => {
  plain.publish('agents.counter.core.add', JSON.stringify({ by: 4 }));

  await eventually(() => total('core')).toBe(4);
});

test('without a message ID every publish is an event of its own', async () => {
  for (let i = 0; i < 3; i += 1) await plain.jetstream().publish('agents.counter.each.add', JSON.stringify({ by: 1 }));

  await eventually(() => total('each')).toBe(3);
});

test('with a message ID a repeated publish is one event, also after the server has forgotten it', async () => {
  await using quick = await startDeployment<{ counter: typeof counter }>({ duplicateWindowMs: 100 });
  await quick.startNode([counter]);
  const client = await connect({ servers: quick.server.url });
  const publish = (): Promise<{ duplicate: boolean }> =>
    client
      .jetstream()
      .publish('agents.counter.once.add', JSON.stringify({ by: 1 }), { headers: withId('counter.once:d1') });

  const first = await publish();
  const again = await publish();
  await eventually(async () => (await publish()).duplicate, { interval: 60 }).toBe(false);
  await quick.client.agent('counter', 'once').call({ type: 'tell' });

  expect([first.duplicate, again.duplicate]).toEqual([false, true]);
  expect((await quick.client.inspect(counter, 'once'))?.context.total).toBe(1);
  await client.close();
});

test('a message ID without the address is the whole stream’s: the second agent’s event is taken for a repetition', async () => {
  const ids = { headers: withId('delivery-7') };
  await plain.jetstream().publish('agents.counter.one.add', JSON.stringify({ by: 1 }), ids);

  const second = await plain.jetstream().publish('agents.counter.two.add', JSON.stringify({ by: 1 }), ids);

  expect(second.duplicate).toBe(true);
  expect(await total('two')).toBeUndefined();
});

test('with the address in its message ID, the same delivery reaches two agents', async () => {
  for (const id of ['three', 'four']) {
    const options = { headers: withId(`counter.${id}:delivery-8`) };
    await plain.jetstream().publish(`agents.counter.${id}.add`, JSON.stringify({ by: 1 }), options);
  }

  await eventually(async () => [await total('three'), await total('four')]).toEqual([1, 1]);
});

test('its message and that of our client are one under the same ID', async () => {
  await plain
    .jetstream()
    .publish('agents.counter.both.add', JSON.stringify({ by: 1 }), { headers: withId('counter.both:same') });

  const receipt = await deployment.client.agent('counter', 'both').send({ type: 'add', by: 1 }, { id: 'same' });

  expect(receipt.duplicate).toBe(true);
  await eventually(() => total('both')).toBe(1);
});

test('it can call: the answer comes to the subject that it names, as MessagePack', async () => {
  const inbox = plain.subscribe('_INBOX.plain.1', { max: 1 });
  const call = headers();
  call.set('Wakebus-Reply', '_INBOX.plain.1');
  await plain.jetstream().publish('agents.counter.called.add', JSON.stringify({ by: 6 }), { headers: call });

  const answers: Uint8Array[] = [];
  for await (const message of inbox) answers.push(message.data);

  // fixmap of two: "ok" → true, "value" → 6
  expect(Buffer.from(answers[0] as Uint8Array).toString('hex')).toBe('82a26f6bc3a576616c756506');
});

test.each([
  ['an ID with a space is not a subject', 'agents.counter.a b.add'],
  ['an ID with a wildcard is not a subject', 'agents.counter.*.add'],
  ['a forged timer is not the runtime’s', 'agents.counter.forged.s.timer'],
])('%s: no agent is born by %s', async (_why, subject) => {
  plain.publish(subject, JSON.stringify({ by: 1 }));
  await plain.flush();
  // Whatever came before in the stream has been taken once this one is.
  await deployment.client.agent('counter', 'witness').call({ type: 'tell' });

  const { agents } = await deployment.client.list();
  expect(agents.map(({ address }) => address).filter((address) => /\/(a b|\*|a=20b)$/.test(address))).toEqual([]);
  const forged = await deployment.client.inspect(counter, 'forged');
  expect(forged?.context.total ?? 0).toBe(0);
});
