/** Gates on a real server: what they keep back wakes nobody, and is written down. */
import { jetstreamManager } from '@nats-io/jetstream';
import { type GateRule, ask, coalesce, fits, rateLimit } from '@wakebus/core';
import { encodeRecord } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();

/** Says of an event whether its item is a number, as a schema library would. */
function validate(event: unknown): unknown {
  if (typeof (event as { item?: unknown }).item === 'number') return { value: event };
  return { issues: [{ message: 'must be a number', path: ['item'] }] };
}

const numbers = fits({ add: { '~standard': { validate } } });

test('an event that is refused at the door reads nothing, gives no birth, and its caller hears why', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [listAgent({ gate: [numbers] })] });
  const reads: string[] = [];
  const spy = bus.connection.subscribe('$JS.API.DIRECT.GET.>', {
    callback: (_error, { subject }) => void (subject.includes('list.ada') && reads.push(subject)),
  });
  await bus.connection.flush();

  const refused = await failure(bus.list('ada').call({ type: 'add', item: 'one' }));

  expect(refused).toMatchObject({ code: 'EVENT_GATED', facts: { rule: 'fits', reason: 'item: must be a number' } });
  await bus.drained();
  expect(reads).toEqual([]);
  spy.unsubscribe();
  expect(await bus.client.inspect('list/ada')).toBeUndefined();
  const [entry] = await bus.history('ada');
  expect(entry).toMatchObject({ turn: 0, events: [{ type: 'add', gate: { rule: 'fits', verdict: 'drop' } }] });
  expect(await bus.list('ada').call({ type: 'add', item: 1 })).toBe(1);
});

test('a refused event of a plain publisher is refused again when it comes twice, and takes no room', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [listAgent({ gate: [numbers] })] });
  for (let i = 0; i < 3; i += 1) await bus.plainEvent('ada', 'add', { item: 'x' });

  await eventually(async () => expect(await bus.history('ada')).toHaveLength(3));
  await bus.drained();
  expect(await bus.client.inspect('list/ada')).toBeUndefined();
});

test('a gate on the agent is judged on its record, and what it drops leaves the agent asleep', async () => {
  const bus = await deploy();
  const agents = [listAgent({ gate: [rateLimit({ limit: 2, periodMs: 3_600_000 })], sleep: { afterMs: 0 } })];
  const node = await bus.startNode({ agents });
  await bus.list('ada').call({ type: 'add', item: 'a' });
  await bus.list('ada').call({ type: 'add', item: 'b' });
  await eventually(() => expect(node.status().sessions).toBe(0));
  const asleep = await bus.inspect('ada');
  const seen: string[] = [];
  const live = bus.client.observe('list/ada', (event) => void seen.push(event.kind));

  const asked = (): Promise<unknown> => failure(bus.list('ada').call({ type: 'add', item: 'c' }, { id: 'third' }));
  const gated = { code: 'EVENT_GATED', facts: { rule: 'rateLimit', event: 'add' } };
  expect(await asked()).toMatchObject(gated);

  await bus.drained();
  live.stop();
  // The server has the message, so the answer is the one that the record keeps.
  expect(await asked()).toMatchObject(gated);
  expect((await bus.inspect('ada')).replies.at(-1)?.body).toMatchObject({ ok: false, error: gated });
  expect(await bus.items('ada')).toEqual(['a', 'b']);
  expect((await bus.inspect('ada')).lifecycle).toEqual(asleep.lifecycle);
  expect(seen).toEqual([]);
});

const noSpam: GateRule = {
  name: 'no-spam',
  sees: 'agent',
  judge: ({ event }) => (event['item'] === 'spam' ? { kind: 'drop', reason: 'it is spam' } : undefined),
};

test('a state in chunks is fetched for what the gate lets in, and for nothing else', async () => {
  const bus = await deploy();
  const agents = [listAgent({ gate: [noSpam], sleep: { afterMs: 0 } })];
  const node = await bus.startNode({ limits: { spillBytes: 1_000 }, agents });
  await bus.list('ada').call({ type: 'grow', bytes: 20_000 });
  await eventually(() => expect(node.status().sessions).toBe(0));
  await bus.drained();
  const fetched: string[] = [];
  const spy = bus.connection.subscribe('$JS.API.DIRECT.GET.>', {
    callback: (_error, { subject }) => void (subject.includes(bus.layout.objectsBucket) && fetched.push(subject)),
  });

  for (let i = 0; i < 3; i += 1)
    expect(await failure(bus.list('ada').call({ type: 'add', item: 'spam' }))).toMatchObject({ code: 'EVENT_GATED' });
  expect(fetched).toEqual([]);

  expect(await bus.list('ada').call({ type: 'add', item: 'a' })).toBe(1);
  expect(fetched.length).toBeGreaterThan(0);
  spy.unsubscribe();
  await bus.drained();
});

test('an agent whose state is gone from its chunks is quarantined by the first event that the gate lets in', async () => {
  const bus = await deploy();
  const agents = [listAgent({ gate: [noSpam], sleep: { afterMs: 0 } })];
  const node = await bus.startNode({ limits: { spillBytes: 1_000 }, agents });
  await bus.list('ada').call({ type: 'grow', bytes: 20_000 });
  await eventually(() => expect(node.status().sessions).toBe(0));
  await bus.drained();
  await (await jetstreamManager(bus.connection)).streams.purge(`OBJ_${bus.layout.objectsBucket}`);

  expect(await failure(bus.list('ada').call({ type: 'add', item: 'spam' }))).toMatchObject({ code: 'EVENT_GATED' });
  await bus.list('ada').send({ type: 'add', item: 'a' });

  await eventually(async () =>
    expect((await bus.inspect('ada')).lifecycle).toMatchObject({ name: 'quarantined', code: 'CHUNK_MISSING' }),
  );
  expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
});

test('forty messages, one wake: all are delivered in one turn, also when their node is gone by then', async () => {
  const bus = await deploy();
  const agents = [listAgent({ gate: [coalesce({ windowMs: 1_000 })], sleep: { afterMs: 0 } })];
  const first = await bus.startNode({ agents });
  // At once: the window is a second, also on a machine that is busy.
  await Promise.all(Array.from({ length: 40 }, (_, i) => bus.list('ada').send({ type: 'add', item: i + 1 })));
  await bus.drained();
  await first.drain();
  await bus.startNode({ agents });

  await eventually(async () => expect(await bus.items('ada')).toEqual(Array.from({ length: 40 }, (_, i) => i + 1)));

  await eventually(async () => {
    const taken = (await bus.history('ada')).filter(({ events }) =>
      events.some(({ type, gate }) => type === 'add' && gate === undefined),
    );
    expect(taken).toHaveLength(1);
  });
});

test('a rule that asks is waited for, and one that cannot answer ends as it says', async () => {
  const bus = await deploy();
  const wise = ask({
    name: 'model',
    ask: async ({ event }) => {
      await Promise.resolve();
      if (event['item'] === 'fail') throw new Error('no model today');
      if (event['item'] === 'hang') await new Promise(() => {});
      return event['item'] === 'spam' ? { kind: 'drop', reason: 'the model says no' } : undefined;
    },
    timeoutMs: 50,
    onFailure: { kind: 'wake' },
  });
  await bus.startNode({ agents: [listAgent({ gate: [wise] })] });

  const calls = ['a', 'spam', 'fail', 'hang'].map((item) => bus.list('ada').call({ type: 'add', item }));
  const outcomes = await Promise.allSettled(calls);

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(await bus.items('ada')).toEqual(['a', 'fail', 'hang']);
});

test('what the gate keeps back needs no readable state; one that cannot be read is found with the next event, and nothing is lost', async () => {
  const bus = await deploy();
  const agents = [listAgent({ gate: [noSpam], sleep: { afterMs: 0 } })];
  const node = await bus.startNode({ agents });
  await bus.list('ada').call({ type: 'add', item: 'a' });
  await eventually(() => expect(node.status().sessions).toBe(0));
  const { snapshot: _broken, ...record } = await bus.record('ada');
  await bus.overwrite('ada', encodeRecord({ ...record, snapshot: new Uint8Array([0xc1]) }));

  const refused = await failure(bus.list('ada').call({ type: 'add', item: 'spam' }));
  expect(refused).toMatchObject({ code: 'EVENT_GATED' });
  await bus.drained();
  expect(bus.logs.map(({ facts }) => facts['code'])).not.toContain('SNAPSHOT_HOMELESS');

  await bus.list('ada').send({ type: 'add', item: 'b' });

  await eventually(() => expect(bus.logs.map(({ facts }) => facts['code'])).toContain('SNAPSHOT_HOMELESS'));
  expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
});
