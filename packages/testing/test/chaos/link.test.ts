/** What a link lets through, and what it holds up or loses. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startNatsServer } from '@wakebus/nats-server';
import { type Flow, Link } from '../../src/chaos/link.ts';

let received: string;
let replied: string;
let link: Link;
let client: Socket;
let server: ReturnType<typeof createServer>;
let ended: boolean;
let accepted: Socket | undefined;

beforeEach(async () => {
  [received, replied, ended, accepted] = ['', '', false, undefined];
  server = createServer((socket) => {
    accepted = socket;
    socket.setEncoding('utf8').on('data', (text) => {
      received += String(text);
      socket.write(String(text).toUpperCase());
    });
    socket.on('error', () => {});
    socket.on('close', () => (ended = true));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  link = await Link.open((server.address() as AddressInfo).port);
  client = connect(link.port, '127.0.0.1');
  client.setEncoding('utf8').on('data', (text) => (replied += String(text)));
  client.on('error', () => {});
  client.write('a');
  await vi.waitFor(() => expect(replied).toBe('A'));
});

afterEach(() => {
  client.destroy();
  accepted?.destroy();
  link.close();
  server.close();
});

test.each<[Flow, string, string]>([
  ['requests', 'ab', 'A'],
  ['neither', 'a', 'A'],
])('holds up all but what passes (%s), and delivers it late', async (flow, request, reply) => {
  link.pass(flow);
  client.write('b');
  await vi.waitFor(() => expect(received).toBe(request));
  // Another connection is as silent, and shows that time has passed.
  const other = connect(link.port, '127.0.0.1');
  await once(other, 'connect');
  expect([received, replied]).toEqual([request, reply]);

  link.pass('both');

  await vi.waitFor(() => expect([received, replied]).toEqual(['ab', 'AB']));
  other.destroy();
});

test('that only replies pass holds up requests', async () => {
  link.pass('replies');
  client.write('b');
  accepted?.write('!');

  await vi.waitFor(() => expect([received, replied]).toEqual(['a', 'A!']));
});

test('loses what it has held up, and the connection with it', async () => {
  link.pass('requests');
  client.write('b');
  await vi.waitFor(() => expect(received).toBe('ab'));

  link.lose();

  await once(client, 'close');
  expect(replied).toBe('A');
});

test('hides over a partition that one side has gone', async () => {
  link.pass('neither');
  client.write('b');
  client.end();
  await once(client, 'finish');
  expect(ended).toBe(false);

  link.pass('both');

  await vi.waitFor(() => expect([received, ended]).toEqual(['ab', true]));
});

test('a server behind silent links is alone: its cluster has no way around them', { timeout: 60_000 }, async () => {
  const links = new Map<string, Link>();
  const servers = await startNatsServer({
    cluster: true,
    routeVia: async ({ from, to, port }) => {
      const route = await Link.open(port);
      links.set(`${from}>${to}`, route);
      return route.port;
    },
  });
  const leader = async (i: number): Promise<string | undefined> => {
    const answer = await fetch(`http://127.0.0.1:${servers.servers[i]?.monitorPort}/jsz`);
    return ((await answer.json()) as { meta_cluster?: { leader?: string } }).meta_cluster?.leader;
  };
  for (const [name, route] of links) if (name.includes('0')) route.pass('neither');

  // Without the others it has no leader, and they have one that is not it.
  await vi.waitFor(async () => expect((await leader(0)) ?? '').toBe(''), { timeout: 40_000, interval: 100 });
  await vi.waitFor(async () => expect(await leader(1)).toMatch(/n[23]/), { timeout: 40_000, interval: 100 });

  await servers.stop();
  for (const route of links.values()) route.close();
});
