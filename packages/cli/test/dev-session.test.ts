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
