import { createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type AgentDefaults, connectNats } from '@wakebus/placement-node';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DevEvents, DevSession } from '../src/dev/dev-session.ts';
import { devFolder, greeter } from './dev-folder.ts';
import { eventually } from './eventually.ts';

let server: NatsServers;

beforeAll(async () => {
  server = await startNatsServer();
});

afterAll(() => server.stop());

interface Running extends AsyncDisposable {
  readonly told: string[];
  greet(name: string): Promise<unknown>;
  phase(): Promise<string | undefined>;
}

async function run(file: string, prefix: string, agentDefaults?: AgentDefaults): Promise<Running> {
  const told: string[] = [];
  const events: DevEvents = {
    onServing: (agents, isFirst) =>
      told.push(`${isFirst ? 'serving' : 'reloaded'} ${agents.map(({ type }) => type).join()}`),
    onRefused: (reason, isRunning) => told.push(`refused${isRunning ? ', old goes on' : ''}: ${reason}`),
    onEnded: () => told.push('ended'),
    onText: (text) => told.push(text),
  };
  const session = new DevSession(
    file,
    { servers: server.url, prefix, ...(agentDefaults && { agentDefaults }) },
    events,
  );
  void session.reload();
  const connection = await connectNats({ servers: server.url });
  return {
    told,
    greet: async (name) =>
      (await createClient(connection, { prefix }))
        .agent('hello', 'ada')
        .call({ type: 'greet', name }, { deadlineMs: 10_000 }),
    phase: async () => (await (await createClient(connection, { prefix })).inspect('hello/ada'))?.lifecycle.name,
    [Symbol.asyncDispose]: async () => {
      await session.stop();
      await connection.close();
    },
  };
}

test('serves the agents of a file, and what the file says next, with the state kept', async () => {
  using folder = devFolder();
  await using dev = await run(folder.file, 'one');
  await eventually(() => dev.told).toContain('serving hello');
  expect(await dev.greet('Ada')).toEqual({ text: 'Hello, Ada', greeted: 1 });

  folder.write(greeter('Good day'));

  await eventually(() => dev.told).toContain('reloaded hello');
  expect(await dev.greet('Ada')).toEqual({ text: 'Good day, Ada', greeted: 2 });
});

test('agents that do not say otherwise have the configured defaults', async () => {
  using folder = devFolder(greeter('Hello').replace('sleepNow(),', '').replace(', sleepNow', ''));
  await using dev = await run(folder.file, 'defaults', { sleep: { afterMs: 0 } });
  await eventually(() => dev.told).toContain('serving hello');

  await dev.greet('Ada');

  await eventually(() => dev.phase()).toBe('asleep');
});

test('a file that cannot be loaded is refused with its reason, and the version before goes on', async () => {
  using folder = devFolder();
  await using dev = await run(folder.file, 'two');
  await eventually(() => dev.told).toContain('serving hello');

  folder.write('export const broken = ;');
  await eventually(() => dev.told.join('\n')).toContain('refused, old goes on');
  expect(dev.told.join('\n')).toContain('agent.ts');
  expect(await dev.greet('Bob')).toMatchObject({ text: 'Hello, Bob' });

  folder.write(greeter('Back'));
  await eventually(() => dev.told).toContain('reloaded hello');
  expect(await dev.greet('Bob')).toMatchObject({ text: 'Back, Bob', greeted: 2 });
});

const waiter = (states: string, options = ''): string => `
import { defineAgent, reply, sleepNow } from '@wakebus/core';
import { setup } from 'xstate';
const machine = setup({ types: { events: {} as { type: 'greet' } } }).createMachine({
  initial: 'open',
  states: { open: { initial: 'fresh', states: { ${states} } } },
  on: { greet: { actions: [reply('here'), sleepNow()] } },
});
export const hello = defineAgent({ type: 'hello', machine${options} });
`;
const MOVED = ", version: 2, migrate: { 2: (old) => ({ ...old, value: { open: 'fresh' } }) }";

test('a machine without the state that an agent is in is refused with its path, until the state has a home', async () => {
  using folder = devFolder(
    waiter("fresh: { on: { greet: { target: 'met', actions: [reply('met'), sleepNow()] } } }, met: {}"),
  );
  await using dev = await run(folder.file, 'five');
  await eventually(() => dev.told).toContain('serving hello');
  expect(await dev.greet('Ada')).toBe('met');

  folder.write(waiter('fresh: {}, seen: {}'));
  await eventually(() => dev.told.join('\n')).toContain('refused, old goes on: an agent would not wake with it');
  expect(dev.told.join('\n')).toMatch(
    /state of hello\/ada does not fit its machine: State 'met' does not exist on '\(machine\)\.open'/,
  );
  expect(await dev.greet('Ada')).toBe('here');

  folder.write(waiter('fresh: {}, seen: {}', ', version: 2'));
  await eventually(() => dev.told.join('\n')).toContain('no migration to version 2');
  folder.write(waiter('fresh: {}, seen: {}', MOVED));
  await eventually(() => dev.told).toContain('reloaded hello');
  expect(await dev.greet('Ada')).toBe('here');
});

test('a file without agents is refused, and served once it has one', async () => {
  using folder = devFolder('export const nothing = 1;');
  await using dev = await run(folder.file, 'three');
  await eventually(() => dev.told.join('\n')).toContain('it exports no agent');

  folder.write(greeter('Now'));

  await eventually(() => dev.told).toContain('serving hello');
});

test('a change of a file that the agents import is seen as well', async () => {
  using folder = devFolder(
    greeter('${WORD}').replace("'${WORD}, '", "WORD + ', '").concat("import { WORD } from './word.ts';\n"),
  );
  const word = (text: string): void => writeFileSync(join(folder.path, 'word.ts'), `export const WORD = '${text}';\n`);
  word('First');
  await using dev = await run(folder.file, 'four');
  await eventually(() => dev.told).toContain('serving hello');

  word('Second');

  await eventually(() => dev.told).toContain('reloaded hello');
  expect(await dev.greet('Eve')).toMatchObject({ text: 'Second, Eve' });
});
