/** Agent types that ask for isolation: turns that never end are stopped, counted and given up, and nobody else notices. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineAgent } from '@wakebus/core';
import { afterEach, describe, expect, test } from 'vitest';
import { listAgent, mendBoom } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';
import {
  type WildEvent,
  elsewhere,
  endlessWild,
  hungryWild,
  otherVersion,
  patientWild,
  stoppingWild,
  stuckWild,
  wild,
} from './support/wild.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

interface WildHandle {
  send(event: WildEvent, options?: object): Promise<{ seq: number }>;
  call(event: WildEvent, options?: object): Promise<unknown>;
}

function wildOne(bus: TestDeployment, id: string): WildHandle {
  return bus.client.agent('wild', id) as never;
}

const items = (bus: TestDeployment, id: string): Promise<readonly unknown[]> => bus.items(id, 'wild');

describe('an isolated agent', () => {
  test('takes its turns in another thread, and its effects in this one', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [wild] });

    expect(await wildOne(bus, 'ada').call({ type: 'where' })).toBeGreaterThan(0);

    await wildOne(bus, 'ada').send({ type: 'work' });
    await eventually(async () => expect(await items(bus, 'ada')).toEqual([0]));
  });

  test('has little memory for what its turns leave behind, so that the whole of it is seldom collected', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [hungryWild] });

    const youngBytes = (await wildOne(bus, 'ada').call({ type: 'litter' })) as number;

    expect(youngBytes).toBeGreaterThan(0);
    expect(youngBytes).toBeLessThanOrEqual((32 / 8) * 1024 * 1024);
  });

  test('sleeps, wakes, keeps appointments and processes nothing twice, like any other', async () => {
    const bus = await deploy();
    const first = await bus.startNode({ agents: [wild] });
    await wildOne(bus, 'ada').call({ type: 'add', item: new Map([[1, 'one']]) }, { id: 'a' });
    await wildOne(bus, 'ada').send({ type: 'alarm', ms: 50 });
    await eventually(async () => expect(await items(bus, 'ada')).toHaveLength(2));
    await first.drain();
    await bus.startNode({ agents: [wild] });

    expect(await wildOne(bus, 'ada').call({ type: 'add', item: new Map([[1, 'one']]) }, { id: 'a' })).toBe(1);
    expect(await wildOne(bus, 'ada').call({ type: 'tell' })).toEqual([new Map([[1, 'one']]), 'rang']);
  });

  test('remembers more message IDs than fit into its record', async () => {
    const bus = await deploy({ duplicateWindowMs: 1_000 });
    const first = await bus.startNode({ agents: [wild] });
    const ids = upTo(700).map((i) => `${i}-random-${(i * 7919) % 10_007}x`);
    await Promise.all(ids.map((id) => wildOne(bus, 'ada').send({ type: 'add', item: 1 }, { id })));
    await eventually(async () => expect(await items(bus, 'ada')).toHaveLength(700));
    expect((await bus.record('ada', 'wild')).seen.some(({ chunk }) => chunk !== undefined)).toBe(true);
    await first.drain();
    await bus.startNode({ agents: [wild] });
    await wildOne(bus, 'witness').call({ type: 'alarm', ms: 1_200 });
    await eventually(async () => expect(await items(bus, 'witness')).toEqual(['rang']));

    await Promise.all(ids.map((id) => wildOne(bus, 'ada').send({ type: 'add', item: 1 }, { id })));

    await bus.drained();
    expect(await items(bus, 'ada')).toHaveLength(700);
  });

  test('runs custom actions in its thread once the turn is committed', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [wild] });
    const path = join(folder(), 'acted');

    await wildOne(bus, 'ada').send({ type: 'write', path });

    await eventually(() => Promise.resolve(expect(Number(readFileSync(path, 'utf8'))).toBeGreaterThan(0)));
  });

  test('whose action never ends has it stopped, and its commit stands', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [wild] });

    await wildOne(bus, 'ada').send({ type: 'spinAfter', path: '' });

    await eventually(() =>
      Promise.resolve(
        expect(bus.logs.map(({ message }) => message).join()).toContain('after its commit: it took longer than 400 ms'),
      ),
    );
    expect(await wildOne(bus, 'ada').call({ type: 'tell' })).toEqual(['spinAfter']);
    expect(await bus.deadLetters()).toEqual([]);
  });
});

describe.each([
  ['loops for ever', 'spin', wild, 'it took longer than 400 ms'],
  ['exhausts the heap', 'hoard', hungryWild, 'it used more than 32 MiB of memory'],
  ['exits the process', 'leave', wild, 'it ended its thread with code 7'],
  ['overflows the stack', 'deep', wild, 'call stack'],
  ['throws', 'burst', wild, 'it burst'],
] as const)('an event that %s', (_what, type, agent, why) => {
  test('is stopped, tried again, and parked once, with its reason; what came before and after it is taken', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [agent] });
    for (const item of upTo(3)) await wildOne(bus, 'ada').send({ type: 'add', item });
    const call = failure(wildOne(bus, 'ada').call({ type, extra: 'kept' } as never, { id: 'bad-1' }));
    for (const item of [4, 5, 6]) await wildOne(bus, 'ada').send({ type: 'add', item });

    expect(await call).toMatchObject({ code: 'DEAD_LETTERED', facts: { attempts: 3 } });
    await bus.drained();

    expect(await items(bus, 'ada')).toEqual([1, 2, 3, 4, 5, 6]);
    const letters = await bus.deadLetters();
    expect(letters).toMatchObject([{ key: 'wild.ada', code: 'DEAD_LETTERED', attempts: 3 }]);
    expect(letters[0]?.message).toContain(why);
    expect(letters[0]?.headers).toMatchObject({ 'Nats-Msg-Id': 'wild.ada:bad-1' });
    expect((await bus.inspect('ada', 'wild')).attempt).toBeUndefined();
  });
});

describe('an event that loops for ever', () => {
  test('leaves its neighbours alone, those of its own type too', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [endlessWild, listAgent()] });
    const path = join(folder(), 'begun');
    await wildOne(bus, 'ada').send({ type: 'begin', path });
    await eventually(() => Promise.resolve(expect(readFileSync(path, 'utf8')).toBe('begun')));

    for (const round of upTo(20)) {
      expect(await bus.list('ada').call({ type: 'add', item: round })).toBe(round);
      expect(await wildOne(bus, 'neighbour').call({ type: 'add', item: round })).toBe(round);
    }

    // It loops still.
    expect(await bus.count(bus.layout.inboxStream(0), '*.inbox.*.wild.ada.>')).toBe(1);
    expect(await bus.deadLetters()).toEqual([]);
    node.close();
  });

  test('is counted in the record before it is run again', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [patientWild] });
    await wildOne(bus, 'ada').send({ type: 'add', item: 1 });
    await wildOne(bus, 'ada').send({ type: 'spin' });

    await eventually(async () => expect((await bus.inspect('ada', 'wild')).attempt?.count).toBe(1));

    const { attempt, lifecycle } = await bus.inspect('ada', 'wild');
    expect([attempt?.reason, lifecycle.name, lifecycle.code]).toEqual([
      expect.stringContaining('it took longer than 400 ms'),
      'backoff',
      'TURN_STOPPED',
    ]);
    expect(await items(bus, 'ada')).toEqual([1]);
    expect(bus.logs).toContainEqual({
      level: 'warn',
      message: attempt?.reason,
      facts: { agent: 'wild.ada', code: 'TURN_STOPPED' },
    });
  });

  test('stops an agent whose type asks for that, with its mailbox kept', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [stoppingWild] });
    await wildOne(bus, 'ada').send({ type: 'spin' });
    await wildOne(bus, 'ada').send({ type: 'add', item: 1 });

    await eventually(async () =>
      expect((await bus.inspect('ada', 'wild')).lifecycle).toMatchObject({ name: 'failed', code: 'AGENT_FAILED' }),
    );

    expect(await bus.deadLetters()).toEqual([]);
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(2);
    expect(await wildOne(bus, 'neighbour').call({ type: 'add', item: 1 })).toBe(1);
  });

  test('in a migration leaves the agent asleep with its mailbox, and blames no message', async () => {
    const bus = await deploy();
    const first = await bus.startNode({ agents: [wild] });
    await wildOne(bus, 'ada').call({ type: 'add', item: 1 });
    await first.drain();
    await bus.startNode({ agents: [stuckWild] });

    await wildOne(bus, 'ada').send({ type: 'add', item: 2 });

    await eventually(() =>
      Promise.resolve(expect(bus.logs.map(({ facts }) => facts['code'])).toContain('SNAPSHOT_HOMELESS')),
    );
    expect((await bus.inspect('ada', 'wild')).attempt).toBeUndefined();
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    expect(await bus.deadLetters()).toEqual([]);
  });
});

describe('a placement node refuses an isolated type', () => {
  const refused = async (definition: typeof wild): Promise<unknown> =>
    failure((await deploy()).startNode({ agents: [definition] }));

  test('whose module does not export it', async () => {
    expect(await refused(elsewhere)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('its export "nowhere" is not made by defineAgent') as string,
    });
  });

  test('whose module exports another version of it', async () => {
    expect(await refused(otherVersion)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('is "wild" in version 1, not "wild" in version 2') as string,
    });
  });

  test.each([
    ['is not there', './nothing.ts', 'nothing.ts'],
    ['starts a placement node itself', './support/node-starter-main.ts', 'this module starts a placement node'],
  ])('whose module %s', async (_what, path, why) => {
    const { machine } = wild;
    const module = new URL(path, import.meta.url).href;
    expect(await refused(defineAgent({ type: 'wild', machine, isolation: { module } } as never))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(why) as string,
    });
  });

  test('and registers nothing', async () => {
    const bus = await deploy();
    await failure(bus.startNode({ agents: [elsewhere] }));
    expect(await bus.count(`KV_${bus.layout.registryBucket}`, '$KV.*.types.*')).toBe(0);
  });
});

const folders: string[] = [];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'wakebus-isolation-'));
  folders.push(path);
  return path;
}

afterEach(() => {
  mendBoom(false);
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});
