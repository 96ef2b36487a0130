/** `wakebus channels`, against a Telegram on this machine, and the gateway that takes what it brings. */
import { runCli } from '@wakebus/cli';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment } from '@wakebus/placement-node';
import { createClient } from '@wakebus/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeGithub } from '../../channels/test/fakes/fake-github.ts';
import { FakeTelegram } from '../../channels/test/fakes/fake-telegram.ts';
import { eventually } from './eventually.ts';
import { type FakeIo, fakeIo } from './fake-io.ts';

const URL_OF_HOOK = 'https://bot.example.com/hooks/support';
let server: NatsServers;
let telegram: FakeTelegram;
const github = new FakeGithub();

beforeAll(async () => {
  server = await startNatsServer();
  await github.open();
  const connection = await connectNats({ servers: server.url });
  await createDeployment(connection);
  await connection.close();
});

afterAll(async () => {
  await github[Symbol.asyncDispose]();
  await server.stop();
});

beforeEach(async () => {
  telegram = await new FakeTelegram().open();
  return () => telegram[Symbol.asyncDispose]();
});

function io(more: Record<string, string> = {}): FakeIo {
  const secrets = { BOT_TOKEN: telegram.token, BOT_SECRET: 'shh', GH_TOKEN: github.token };
  return fakeIo({ env: { WAKEBUS_SERVERS: server.url, ...secrets, ...more } });
}

async function run(argv: readonly string[], more?: Record<string, string>): Promise<{ code: number; io: FakeIo }> {
  using own = io(more);
  return { code: await runCli(['channels', ...argv], own), io: own };
}

const bot = ['--kind', 'telegram', '--token-env', 'BOT_TOKEN', '--secret-env', 'BOT_SECRET', '--url', URL_OF_HOOK];
const ringing = ['--agent', 'notebook/{/message/chat/id}', '--event', 'told'];

function addBot(): Promise<{ code: number; io: FakeIo }> {
  return run(['add', 'support', ...bot, ...ringing, '--service-url', telegram.url]);
}

test('a bot that is added has its webhook, is listed without its secrets, and is good', async () => {
  const added = await addBot();
  const listed = await run(['list', '--json']);
  const checked = await run(['check']);

  expect([added.code, added.io.stdout]).toEqual([0, 'support  telegram  @fake_bot\n']);
  expect(telegram.webhook).toEqual({ url: URL_OF_HOOK, secretToken: 'shh' });
  expect(listed.io.json()).toMatchObject([{ name: 'support', tokenEnv: 'BOT_TOKEN', secretEnv: 'BOT_SECRET' }]);
  expect(listed.io.stdout).not.toMatch(/shh|AAH-fake/);
  expect([checked.code, checked.io.stdout]).toEqual([0, 'support  telegram  @fake_bot  good\n']);
});

test('a check finds a webhook that somebody else has set, and a token that was revoked', async () => {
  await addBot();
  telegram.webhook = { url: 'https://elsewhere.example.com', secretToken: '' };
  const moved = await run(['check', 'support']);
  const revoked = await run(['check', 'support', '--json'], { BOT_TOKEN: '1:wrong' });
  const unset = await run(['check', 'support'], { BOT_TOKEN: '' });

  expect([moved.code, moved.io.stdout]).toEqual([1, expect.stringContaining('https://elsewhere.example.com')]);
  expect([revoked.code, revoked.io.stdout]).toEqual([1, expect.stringContaining('Unauthorized')]);
  expect(revoked.io.stdout).not.toContain('1:wrong');
  expect([unset.code, unset.io.stdout]).toEqual([1, expect.stringContaining('$BOT_TOKEN')]);
});

test('a channel that is removed gives its webhook back, and leaves that of somebody else alone', async () => {
  await addBot();
  expect((await run(['remove', 'support'])).code).toBe(0);
  expect(telegram.webhook).toBeUndefined();
  expect((await run(['list', '--json'])).io.stdout).toBe('');

  await addBot();
  telegram.webhook = { url: 'https://elsewhere.example.com', secretToken: '' };
  expect((await run(['remove', 'support'])).code).toBe(0);
  expect(telegram.webhook?.url).toBe('https://elsewhere.example.com');
});

test('what does not work is not added', async () => {
  const github404 = await run([
    'add',
    'repo',
    '--kind',
    'github',
    '--token-env',
    'BOT_TOKEN',
    '--service-url',
    github.url,
  ]);
  const added = await run(['add', 'repo', '--kind', 'github', '--token-env', 'GH_TOKEN', '--service-url', github.url]);

  expect([github404.code, github404.io.stderr]).toEqual([1, expect.stringContaining('Bad credentials')]);
  expect(added.io.stdout).toBe('repo  github  fake\n');
  expect((await run(['remove', 'repo'])).code).toBe(0);
});

test('a gateway takes the deliveries of channels that it has the secrets of', async () => {
  await addBot();
  using own = io();
  const running = runCli(['gateway', '--port', '0'], own);
  await eventually(() => own.stderr).toContain('/hooks/support');
  const url = /http:\S+\/hooks\/support/.exec(own.stderr)?.[0] ?? '';

  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'X-Telegram-Bot-Api-Secret-Token': 'shh', 'Content-Type': 'application/json' },
    body: JSON.stringify({ update_id: 1, message: { message_id: 5, chat: { id: 77, type: 'private' }, text: 'hi' } }),
  });
  own.stop();
  expect([answer.status, await running]).toEqual([200, 0]);

  const connection = await connectNats({ servers: server.url });
  const client = await createClient(connection);
  expect(await client.agent('notebook', '77').send({ type: 'told' }, { id: 'support:1' })).toMatchObject({
    duplicate: true,
  });
  await connection.close();

  using other = io({ BOT_SECRET: '' });
  const without = runCli(['gateway', '--port', '0'], other);
  await eventually(() => other.stdout).toContain('gateway');
  other.stop();
  expect([await without, other.stderr]).toEqual([0, expect.stringContaining('channel support is left out')]);
  await run(['remove', 'support']);
});

test.each([
  [['add', 'x', '--kind', 'fax', '--token-env', 'T'], 2],
  [['add', 'x', '--kind', 'telegram'], 2],
  [['add', 'x', '--kind', 'telegram', '--token-env', 'NOT_SET'], 7],
  [['add', 'x', '--kind', 'telegram', '--token-env', 'BOT_TOKEN', '--agent', 'a/b'], 7],
  [['add', 'x', '--kind', 'telegram', '--token-env', 'BOT_TOKEN', ...ringing], 7],
  [['add', 'x', '--kind', 'mattermost', '--token-env', 'BOT_TOKEN'], 7],
  [['check', 'nobody'], 3],
  [['remove', 'nobody'], 3],
])('wakebus channels %j exits %i', async (argv, code) => {
  expect((await run(argv)).code).toBe(code);
});
