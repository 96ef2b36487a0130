/** Sources of configuration files, beside the gateway that runs them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { runCli } from '@wakebus/cli';
import { type Client, createClient } from '@wakebus/client';
import { createDeployment } from '@wakebus/placement-node';
import { parseAddress } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSources } from '../src/sources/read-sources.ts';
import { eventually } from './eventually.ts';
import type { FakeIo } from './fake-io.ts';
import { type Place, startPlace } from './place.ts';

let place: Place;
let client: Client;
let js: JetStreamClient;

beforeAll(async () => {
  place = await startPlace();
  await createDeployment(place.connection);
  client = await createClient(place.connection);
  js = jetstream(place.connection);
  await (await jetstreamManager(place.connection)).streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
});

afterAll(() => place[Symbol.asyncDispose]());

interface Gateway extends AsyncDisposable {
  readonly io: FakeIo;
  ready(): Promise<{ readonly status: number; readonly body: unknown }>;
}

/** `wakebus gateway` with these sources, and files beside its configuration. */
async function gatewayWith(sources: object, files: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  const io = place.io();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(io.cwd, name), text);
  mkdirSync(join(io.cwd, 'reports'));
  writeFileSync(join(io.cwd, 'gateway.json'), JSON.stringify({ sources }));
  const running = runCli(['gateway', '--port', '0', '--config', 'gateway.json'], io);
  await eventually(() => io.stdout).toContain('gateway');
  const url = /http:\S+/.exec(io.stdout)?.[0] ?? '';
  return {
    io,
    ready: async () => {
      const answer = await fetch(`${url}/ready`);
      return { status: answer.status, body: await answer.json() };
    },
    [Symbol.asyncDispose]: async () => {
      io.stop();
      expect(await running).toBe(0);
      io[Symbol.dispose]();
    },
  };
}

/** Events that wait for an agent that nobody runs. */
async function waiting(agent: string): Promise<readonly string[]> {
  const { layout } = client;
  const { streams } = await jetstreamManager(place.connection);
  const { state } = await streams.info(layout.inboxStream(0), { subjects_filter: layout.inboxFilter() });
  return Object.keys(state.subjects ?? {})
    .filter((subject) => layout.readPending(subject)?.key === parseAddress(agent))
    .map((subject) => subject.split('.').at(-1) ?? '');
}

test('a gateway brings in what its configuration names: a stream, a folder, a source of one’s own', async () => {
  await using gateway = await gatewayWith(
    {
      orders: {
        kind: 'stream',
        stream: 'ORDERS',
        key: '{/body/id}',
        map: [{ agent: 'order/{/tokens/1}', event: '{header:Kind}', data: { by: '/body/by' } }],
      },
      reports: { kind: 'folder', folder: 'reports', quietMs: 20, map: { agent: 'report/{/path}', event: '{/kind}' } },
      feed: { kind: 'module', module: 'feed.mjs' },
    },
    {
      'feed.mjs': `export const feed = { name: 'feed', start: async (sink, signal) => {
        sink.ready();
        await sink.send({ agent: 'reader/one', event: 'page' }, 'p1');
        await new Promise((end) => signal.addEventListener('abort', end, { once: true }));
      } };`,
    },
  );
  const { headers } = await import('@nats-io/transport-node');
  const paid = headers();
  paid.set('kind', 'paid');

  await js.publish('orders.17.x', JSON.stringify({ id: 'a', by: 'ada' }), { headers: paid });
  await js.publish('orders.17.y', JSON.stringify({ id: 'a', by: 'ada again' }), { headers: paid });
  await js.publish('orders.18.x', JSON.stringify({ id: 'c', by: 'no kind' }));
  writeFileSync(join(gateway.io.cwd, 'reports', 'may.txt'), 'May');

  await eventually(() => waiting('order/17')).toEqual(['paid']);
  await eventually(() => waiting('report/may.txt')).toEqual(['added']);
  await eventually(() => waiting('reader/one')).toEqual(['page']);
  expect(await client.agent('order', '17').send({ type: 'paid' }, { id: 'orders:a' })).toMatchObject({
    duplicate: true,
  });
  expect(await waiting('order/18')).toEqual([]);
  await eventually(() => gateway.ready()).toEqual({ status: 200, body: { status: 'ready' } });
  expect(gateway.io.stderr).toContain('source   reports');
});

test('a source that fails takes no gateway out, is named by /ready and by doctor, and comes up again', async () => {
  await using gateway = await gatewayWith({
    later: { kind: 'stream', stream: 'LATER', map: { agent: 'later/{/body}', event: 'came' } },
  });

  await eventually(() => gateway.ready()).toEqual({
    status: 200,
    body: {
      status: 'ready',
      degraded: [{ what: 'source later', state: 'restarting', code: 'SOURCE_MISCONFIGURED' }],
    },
  });
  const { code, io } = await place.run('doctor', '--json');
  const problems = io.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(code).toBe(1);
  expect(problems).toContainEqual(
    expect.objectContaining({ code: 'SOURCE_DOWN', message: expect.stringMatching(/"later".*SOURCE_MISCONFIGURED/) }),
  );

  await (await jetstreamManager(place.connection)).streams.add({ name: 'LATER', subjects: ['later'] });
  await js.publish('later', '"now"');
  await eventually(() => waiting('later/now')).toEqual(['came']);
  await eventually(() => gateway.ready()).toMatchObject({ body: { status: 'ready' } });
});

test.each([
  [{ kind: 'fax' }, /"kind" is one of stream, folder, module/],
  ['no object', /"kind" is one of/],
  [{ kind: 'stream', map: { agent: 'a/b', event: 'c' } }, /"stream" is not text/],
  [{ kind: 'stream', stream: 'S', map: { agent: 'a/b' } }, /"agent" and "event"/],
  [{ kind: 'stream', stream: 'S', maps: {} }, /"maps" is not an option of it.*"map"/],
  [{ kind: 'folder', folder: '.', map: { agent: 'a/b', event: 'c' }, tries: 0 }, /above 0/],
  [{ kind: 'module', module: './not-there.mjs' }, /not-there/],
])('the source %j is refused', async (source, why) => {
  await expect(readSources({ sources: { bad: source }, folder: import.meta.dirname })).rejects.toThrow(why);
});
