/** Schedules of agents that sleep, made by machines, clients and for whole types, on a real server. */
import { type AnyAgentDefinition, type Occurrence, defineAgent, schedule } from '@wakebus/core';
import { assign, setup } from 'xstate';
import { expect, test } from 'vitest';
import { failure } from './support/failure.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();
const DAY_MS = 86_400_000;

/** Keeps the occurrences it gets. */
function diary(type: string = 'diary'): AnyAgentDefinition {
  const machine = setup({
    types: { context: {} as { taken: Occurrence[] }, events: {} as { type: string; occurrence?: Occurrence } },
  }).createMachine({
    id: 'diary',
    context: { taken: [] },
    on: {
      wind: { actions: schedule('tick', { everyMs: 1_000, missed: 'all', graceMs: 1_000, event: { type: 'tick' } }) },
      tick: {
        actions: assign({
          taken: ({ context, event }) => [
            ...context.taken,
            ...(event.occurrence === undefined ? [] : [event.occurrence]),
          ],
        }),
      },
      end: { target: '.over' },
    },
    initial: 'on',
    states: { on: {}, over: { type: 'final' } },
  });
  return defineAgent({ type, machine, sleep: { afterMs: 0 } });
}

async function taken(bus: TestDeployment, address: string): Promise<readonly Occurrence[]> {
  return ((await bus.client.inspect(address))?.context as { taken: Occurrence[] } | undefined)?.taken ?? [];
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('a schedule of a machine wakes its agent again and again', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [diary()] });
  await bus.client.agent('diary', 'ada').call({ type: 'wind' });

  await eventually(async () => expect((await taken(bus, 'diary/ada')).length).toBeGreaterThanOrEqual(3));

  const [first, second, third] = await taken(bus, 'diary/ada');
  expect([(second?.atMs ?? 0) - (first?.atMs ?? 0), (third?.atMs ?? 0) - (second?.atMs ?? 0)]).toEqual([1_000, 1_000]);
  await eventually(() => expect(node.status().sessions).toBe(0));
});

test('what was missed while everything was down comes once each, as its schedule asks', async () => {
  const bus = await deploy();
  const first = await bus.startNode({ agents: [diary()] });
  await bus.client.agent('diary', 'ada').call({ type: 'wind' });
  await eventually(async () => expect((await taken(bus, 'diary/ada')).length).toBeGreaterThan(0));
  first.close();
  const [server] = bus.server.servers;
  const before = (await taken(bus, 'diary/ada')).length;
  const downMs = Date.now();
  await server?.restart({ signal: 'SIGKILL' });
  await eventually(() => expect(Date.now() - downMs).toBeGreaterThan(4_000));

  await bus.startNode({ agents: [diary()] });

  await eventually(async () => expect((await taken(bus, 'diary/ada')).length).toBeGreaterThan(before + 4));
  const times = (await taken(bus, 'diary/ada')).map(({ atMs }) => atMs);
  expect(times).toEqual(times.map((_time, i) => (times[0] ?? 0) + i * 1_000));
});

test('a client makes, replaces, reads, fires and removes a schedule of an agent that is not born yet', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [diary()] });
  const { schedules, timers } = bus.client;
  const yearly = { cron: '0 0 0 1 1 *', timeZone: 'Europe/Berlin', missed: 'once', event: { type: 'tick' } } as const;

  const { nextMs } = await schedules.add('diary/ada', 'yearly', yearly);
  expect(new Date(nextMs).toISOString()).toMatch(/-12-31T23:00:00.000Z$/);
  expect(await schedules.add('diary/ada', 'yearly', yearly)).toEqual({ nextMs });
  expect(await schedules.get('diary/ada', 'yearly')).toMatchObject({
    agent: 'diary/ada',
    event: { type: 'tick' },
    nextMs,
  });
  const later = await schedules.add('diary/ada', 'yearly', { ...yearly, jitterMs: DAY_MS });
  expect(later.nextMs).toBeGreaterThanOrEqual(nextMs);
  await timers.fire('diary/ada', 'yearly');
  expect(await taken(bus, 'diary/ada')).toEqual([{ schedule: 'yearly', atMs: nextMs, missed: 0 }]);

  await schedules.remove('diary/ada', 'yearly');

  expect(await all(schedules.list())).toEqual([]);
  expect(await failure(schedules.remove('diary/ada', 'yearly'))).toMatchObject({ code: 'TIMER_NOT_FOUND' });
  expect(await failure(schedules.add('diary/ada', 'x', { ...yearly, cron: 'soon' }))).toMatchObject({
    code: 'INVALID_OPTION',
  });
  await bus.drained();
  expect(await bus.count(bus.layout.timersStream(0))).toBe(0);
});

test('a schedule of a type comes to every agent of it, once each, and to no other', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [diary(), diary('other')] });
  const ids = Array.from({ length: 30 }, (_, i) => `a${i}`);
  await Promise.all(ids.map((id) => bus.client.agent('diary', id).call({ type: 'tick' })));
  await bus.client.agent('other', 'x').call({ type: 'tick' });
  await bus.client.agent('diary', 'over').call({ type: 'end' });
  await bus.client.agent('diary', 'gone').call({ type: 'tick' });
  await bus.client.remove('diary/gone');
  const { schedules, timers } = bus.client;
  const daily = { cron: '0 0 0 * * *', missed: 'skip', event: { type: 'tick' } } as const;

  const { nextMs } = await schedules.add('diary/*', 'daily', daily);
  await timers.fire('diary/*', 'daily');

  const expected = [{ schedule: 'daily', atMs: nextMs, missed: 0 }];
  await eventually(async () => {
    for (const id of ids) expect(await taken(bus, `diary/${id}`)).toEqual(expected);
  });
  await bus.drained();
  expect(await taken(bus, 'other/x')).toEqual([]);
  expect((await bus.client.inspect('diary/gone'))?.lifecycle.name).toBe('removed');
  expect(await bus.deadLetters()).toEqual([]);
  expect(await schedules.get('diary/*', 'daily')).toMatchObject({ event: { type: 'tick' } });
  expect(await failure(bus.client.agent('diary', '*').call({ type: 'tick' }))).toMatchObject({ code: 'EVENT_UNKNOWN' });
});

test('an event that is sent for later comes then, once, unless it is taken back', async () => {
  const bus = await deploy();
  await bus.startNode();
  const ada = bus.list('ada');

  await ada.send({ type: 'add', item: 'later' }, { inMs: 300, id: 'one' });
  await ada.send({ type: 'add', item: 'later' }, { inMs: 300, id: 'one' });
  await ada.send({ type: 'add', item: 'never' }, { inMs: DAY_MS, id: 'two' });
  await ada.send({ type: 'add', item: 'past' }, { atMs: Date.now() - DAY_MS });
  await ada.call({ type: 'add', item: 'now' });
  await bus.client.timers.cancel('list/ada', 'two');

  await eventually(async () => expect([...(await bus.items('ada'))].toSorted()).toEqual(['later', 'now', 'past']));
  expect(await all(bus.client.timers.list({ type: 'list' }))).toEqual([]);
  await bus.drained();
  expect(await bus.items('ada')).toHaveLength(3);
});
