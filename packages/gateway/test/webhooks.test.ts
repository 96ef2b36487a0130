/** Deliveries as their senders sign them: by the senders' own libraries where there are any. */
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { sign as signGithub } from '@octokit/webhooks-methods';
import {
  type ServedGateway,
  type Webhook,
  cloudEvents,
  discord,
  github,
  hmac,
  mattermost,
  slack,
  standardWebhooks,
  stripe,
  telegram,
} from '@wakebus/gateway';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IncomingDelivery } from '../src/webhooks/incoming.ts';
import { tally } from './tally-agent.ts';
import { type Answer, type World, ask, eventually, startWorld } from './world.ts';

const OLD = 'old-secret';
const NEW = 'new-secret';
const STANDARD = `whsec_${Buffer.from('standard-secret').toString('base64')}`;
const pair = generateKeyPairSync('ed25519');
const PUBLIC_KEY = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

const note: Webhook['map'] = ({ id, body }) => ({
  agent: `tally/${(body as { to?: string }).to ?? 'hook'}`,
  event: 'note',
  data: { text: id },
});

const webhooks: Record<string, Webhook> = {
  github: { scheme: github(), secrets: [NEW, OLD], map: note },
  standard: { scheme: standardWebhooks(), secrets: [STANDARD], map: note },
  stripe: { scheme: stripe(), secrets: [NEW, OLD], map: note },
  slack: { scheme: slack(), secrets: [NEW, OLD], map: note },
  telegram: { scheme: telegram(), secrets: [NEW, OLD], map: note },
  discord: { scheme: discord(), secrets: [PUBLIC_KEY], map: note },
  mattermost: { scheme: mattermost(), secrets: [NEW, OLD], map: note },
  cloudevents: {
    scheme: cloudEvents(),
    secrets: [NEW, OLD],
    map: ({ id, body }) => ({ agent: 'tally/ce', event: 'note', data: { text: id, body } }),
  },
  hmac: {
    scheme: hmac({ header: 'X-Sig', encoding: 'base64', timestampHeader: 'X-At', id: { pointer: '/meta/id' } }),
    secrets: [NEW, OLD],
    map: [
      { agent: 'tally/{/nowhere}', event: 'note' },
      { agent: 'tally/{/to}', event: '{header:x-event}', data: { text: '/meta/id' } },
    ],
  },
  throwing: {
    scheme: telegram(),
    secrets: [NEW],
    map: () => {
      throw new Error('a mistake in the mapping');
    },
  },
};

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ webhooks, limits: { failuresPerAddress: 1_000 } });
});

afterAll(() => world[Symbol.asyncDispose]());

async function notesOf(id: string): Promise<readonly string[]> {
  return ((await world.client.inspect(tally, id))?.context as { notes: string[] } | undefined)?.notes ?? [];
}

interface Delivery {
  readonly body: string;
  readonly headers: Record<string, string>;
}

function post(name: string, { body, headers }: Delivery): Promise<Answer> {
  return ask(gateway, 'POST', `/hooks/${name}`, { body, headers });
}

const nowS = (): number => Math.floor(Date.now() / 1_000);
const hex = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('hex');

/** How each sender sends a delivery of an ID to an agent. */
const senders: Record<string, (id: string, to: string, secret?: string, atS?: number) => Delivery | Promise<Delivery>> =
  {
    github: async (id, to, secret = NEW) => {
      const body = JSON.stringify({ to, action: 'opened' });
      const signature = await signGithub(secret, body);
      return {
        body,
        headers: { 'X-GitHub-Event': 'issues', 'X-GitHub-Delivery': id, 'X-Hub-Signature-256': signature },
      };
    },
    standard: (id, to, secret = STANDARD, atS = nowS()) => {
      const body = JSON.stringify({ to });
      const signature = new StandardWebhook(secret).sign(id, new Date(atS * 1_000), body);
      return { body, headers: { 'webhook-id': id, 'webhook-timestamp': String(atS), 'webhook-signature': signature } };
    },
    stripe: (id, to, secret = NEW, atS = nowS()) => {
      const body = JSON.stringify({ id, to });
      const header = Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: atS });
      return { body, headers: { 'Stripe-Signature': header } };
    },
    slack: (id, to, secret = NEW, atS = nowS()) => {
      const body = JSON.stringify({ type: 'event_callback', event_id: id, to, token: 'legacy' });
      const signature = `v0=${hex(secret, `v0:${atS}:${body}`)}`;
      return { body, headers: { 'X-Slack-Request-Timestamp': String(atS), 'X-Slack-Signature': signature } };
    },
    telegram: (id, to, secret = NEW) => ({
      body: JSON.stringify({ update_id: id, to }),
      headers: { 'X-Telegram-Bot-Api-Secret-Token': secret },
    }),
    discord: (id, to, _secret, atS = nowS()) => discordDelivery({ id, to, token: 't', type: 2 }, atS),
    mattermost: (id, to, secret = NEW) => ({
      body: new URLSearchParams({ token: secret, post_id: id, to, text: 'hi' }).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    }),
    hmac: (id, to, secret = NEW, atS = nowS()) => {
      const body = JSON.stringify({ meta: { id }, to });
      const signature = createHmac('sha256', secret).update(`${atS}.${body}`).digest('base64');
      return { body, headers: { 'X-Sig': signature, 'X-At': String(atS), 'X-Event': 'note' } };
    },
  };

function discordDelivery(fields: object, atS = nowS()): Delivery {
  const body = JSON.stringify(fields);
  const signature = signBytes(null, Buffer.from(`${atS}${body}`), pair.privateKey).toString('hex');
  return { body, headers: { 'X-Signature-Ed25519': signature, 'X-Signature-Timestamp': String(atS) } };
}

const names = Object.keys(senders);
const signed = names.filter((name) => !['telegram', 'mattermost'].includes(name));
const timed = ['standard', 'stripe', 'slack', 'discord', 'hmac'];
const rotating = names.filter((name) => !['standard', 'discord'].includes(name));

function send(name: string, id: string, to: string, secret?: string, atS?: number): Delivery | Promise<Delivery> {
  return senders[name]?.(id, to, secret, atS) as Delivery | Promise<Delivery>;
}

describe.each(names)('%s', (name) => {
  test('a delivery that is sent three times is one event, under the sender’s own ID', async () => {
    const to = `${name}-once`;
    const [first, second, third] = [
      await post(name, await send(name, '4711', to)),
      await post(name, await send(name, '4711', to)),
      await post(name, await send(name, '4711', to)),
    ];
    await post(name, await send(name, '4712', to));

    expect([first, second, third].map(({ status }) => Math.floor(status / 100))).toEqual([2, 2, 2]);
    await eventually(() => notesOf(to)).toEqual(['4711', '4712']);
    const page = await world.client.history(`tally/${to}`);
    expect(page.commits.flatMap(({ events }) => events.map(({ id }) => id))).toContain(`${name}:4711`);
  });

  test('one that is sent again after the inbox and the agent have forgotten is dropped by what is remembered of it', async () => {
    const jsm = await jetstreamManager(world.connection);
    await post(name, await send(name, 'kept', `${name}-kept`));

    const config = (await jsm.streams.info('KV_wakebus_seen')).config;
    const seen = await jsm.direct.getMessage('KV_wakebus_seen', { last_by_subj: `$KV.wakebus_seen.${name}.kept` });

    expect(config.max_age / 1e9).toBeGreaterThanOrEqual(4 * 86_400);
    expect(seen).not.toBeNull();
    // To another agent now, which has never heard of it: only the gateways' memory can drop it.
    await post(name, await send(name, 'kept', `${name}-elsewhere`));
    expect(await world.client.inspect(tally, `${name}-elsewhere`)).toBeUndefined();
  });

  test('a wrong secret, or a body that was changed, is refused with 401, and nothing is stored', async () => {
    const to = `${name}-forged`;
    const right = await send(name, '1', to);
    const wrongKey = name === 'standard' ? `whsec_${Buffer.from('x').toString('base64')}` : 'wrong';
    const forged =
      name === 'discord'
        ? { ...right, headers: { ...right.headers, 'X-Signature-Ed25519': 'ab'.repeat(64) } }
        : await send(name, '1', to, wrongKey);
    const changed = signed.includes(name) ? [{ ...right, body: right.body.replace('"to"', '"TO"') }] : [];

    for (const delivery of [forged, ...changed, { ...right, headers: {}, body: '{}' }])
      expect(await post(name, delivery)).toMatchObject({ status: 401, body: { code: 'SIGNATURE_INVALID' } });
    expect(await world.client.inspect(tally, to)).toBeUndefined();
  });
});

test.each(rotating)('%s is believed under the old secret too while both are given', async (name) => {
  expect((await post(name, await send(name, 'rotated', `${name}-rotated`, OLD))).status).toBeLessThan(300);
});

test.each(timed)('%s is not believed when it was signed more than five minutes from now', async (name) => {
  for (const atS of [nowS() - 301, nowS() + 302])
    expect(await post(name, await send(name, `at-${atS}`, `${name}-late`, undefined, atS))).toMatchObject({
      status: 401,
    });
  expect((await post(name, await send(name, 'in-time', `${name}-late`, undefined, nowS() - 290))).status).toBeLessThan(
    300,
  );
});

describe('greetings', () => {
  test('of GitHub: ping', async () => {
    const { body, headers } = await send('github', 'p-1', 'greeted');
    expect((await post('github', { body, headers: { ...headers, 'X-GitHub-Event': 'ping' } })).status).toBe(200);
    expect(await world.client.inspect(tally, 'greeted')).toBeUndefined();
  });

  test('of Slack: url_verification', async () => {
    const body = JSON.stringify({ type: 'url_verification', challenge: 'abc', token: 'x' });
    const headers = {
      'X-Slack-Request-Timestamp': String(nowS()),
      'X-Slack-Signature': `v0=${hex(NEW, `v0:${nowS()}:${body}`)}`,
    };
    expect((await post('slack', { body, headers })).body).toEqual({ challenge: 'abc' });
  });

  test('of Discord: PING, in interactions and in webhook events; an interaction is answered later', async () => {
    expect((await post('discord', discordDelivery({ type: 1, id: '1', token: 't' }))).body).toEqual({ type: 1 });
    expect((await post('discord', discordDelivery({ type: 0, application_id: '1' }))).status).toBe(204);
    expect((await post('discord', discordDelivery({ type: 2, id: '2', token: 't', to: 'later' }))).body).toEqual({
      type: 5,
    });
    expect((await post('discord', discordDelivery({ type: 3, id: '3', token: 't', to: 'later' }))).body).toEqual({
      type: 6,
    });
    expect((await post('discord', discordDelivery({ type: 1, event: { type: 'X' }, to: 'later' }))).status).toBe(204);
    await eventually(() => notesOf('later')).toHaveLength(3);
  });
});

test('Slack’s documented signature is right', () => {
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const headers = new Headers({
    'X-Slack-Request-Timestamp': '1531420618',
    'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    'Content-Type': 'application/x-www-form-urlencoded',
  });
  const incoming = new IncomingDelivery(headers, Buffer.from(body));
  const proof = { secrets: ['8f742231b10e8888abcd99yyyzzz85a5'], nowMs: 1_531_420_618_000, toleranceMs: 300_000 };

  expect(slack().fault(incoming, proof)).toBeUndefined();
  expect(slack().read(incoming)[0]).toMatchObject({
    id: expect.stringMatching(/^398738663015/),
    body: { command: '/webhook-collect' },
  });
  expect(slack().read(incoming)[0]?.body).not.toHaveProperty('token');
});

describe('CloudEvents', () => {
  const event = { specversion: '1.0', id: 'e-1', source: '/shop', type: 'paid', data: { amount: 2 } };
  const auth = { Authorization: `Bearer ${NEW}` };

  test('structured, binary and in a batch are the same event', async () => {
    const structured = { ...auth, 'Content-Type': 'application/cloudevents+json' };
    const binary = {
      ...auth,
      'Content-Type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'e-1',
      'ce-source': '/shop',
      'ce-type': 'paid',
    };
    const batch = { ...auth, 'Content-Type': 'application/cloudevents-batch+json' };
    const answers = [
      await post('cloudevents', { body: JSON.stringify(event), headers: structured }),
      await post('cloudevents', { body: JSON.stringify(event.data), headers: binary }),
      await post('cloudevents', { body: JSON.stringify([event, { ...event, id: 'e-2' }]), headers: batch }),
    ];

    expect(answers.map(({ body }) => body)).toEqual([
      { stored: 1, duplicate: 0, ignored: 0 },
      { stored: 0, duplicate: 1, ignored: 0 },
      { stored: 1, duplicate: 1, ignored: 0 },
    ]);
    await eventually(() => notesOf('ce')).toHaveLength(2);
  });

  test.each([
    ['no bearer token', {}, event, 401],
    ['another token', { Authorization: 'Bearer other' }, event, 401],
    ['no ID', auth, { ...event, id: '' }, 400],
  ])('with %s is refused', async (_what, headers, body, status) => {
    const all = { ...headers, 'Content-Type': 'application/cloudevents+json' };
    expect((await post('cloudevents', { body: JSON.stringify(body), headers: all })).status).toBe(status);
  });
});

describe('mapping', () => {
  test('what it is not interested in is accepted and ignored', async () => {
    const body = JSON.stringify({ meta: { id: '9' } });
    const atS = nowS();
    const signature = createHmac('sha256', NEW).update(`${atS}.${body}`).digest('base64');

    const answer = await post('hmac', { body, headers: { 'X-Sig': signature, 'X-At': String(atS) } });

    expect([answer.status, answer.body]).toEqual([202, { stored: 0, duplicate: 0, ignored: 1 }]);
  });

  test('one that throws has the sender come again, and nothing is remembered', async () => {
    const delivery = await send('telegram', '1', 'x');
    for (let i = 0; i < 2; i += 1)
      expect(await post('throwing', delivery)).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
  });
});

test('without storage the sender hears 503 or 504 before it gives up, and its next try is the first event', async () => {
  const down = await startWorld();
  await using _ = down;
  const alone = await down.serve({ webhooks });
  await down.startNode();
  const jsm = await jetstreamManager(down.connection);
  const { config } = await jsm.streams.info('wakebus_inbox');
  await jsm.streams.update('wakebus_inbox', { ...config, max_msgs: 1 });
  await down.client.agent({ type: 'unserved' }, 'fills').send({ type: 'x' });
  const delivery = await send('github', 'd-9', 'late');
  const to = (): Promise<Answer> => ask(alone, 'POST', '/hooks/github', delivery);

  await eventually(async () => (await to()).status).toBe(503);
  await jsm.streams.update('wakebus_inbox', config);

  await eventually(async () => (await to()).body).toEqual({ stored: 1, duplicate: 0, ignored: 0 });
  await eventually(async () => (await down.client.inspect(tally, 'late'))?.context).toMatchObject({ notes: ['d-9'] });
});

test('a delivery that comes while the server restarts is stored as soon as it is back, in one answer', async () => {
  await using down = await startWorld();
  const patient = await down.serve({ webhooks, limits: { deliveryStoreMs: 20_000 } });
  const [server] = down.server.servers;
  await server?.kill();
  const answer = ask(patient, 'POST', '/hooks/github', await send('github', 'd-10', 'early'));
  await server?.restart();

  expect((await answer).body).toEqual({ stored: 1, duplicate: 0, ignored: 0 });
});

test.each([
  ['POST', '/hooks/unknown', 404],
  ['GET', '/hooks/github', 405],
])('%s %s is answered %i', async (method, path, status) => {
  expect((await ask(gateway, method, path)).status).toBe(status);
});

test('a delivery that is too large is refused before it is believed', async () => {
  const small = await world.serve({ webhooks, limits: { deliveryBytes: 1_000 } });
  const answer = await ask(small, 'POST', '/hooks/github', { body: 'x'.repeat(2_000) });

  expect([answer.status, answer.body['code']]).toEqual([413, 'REQUEST_TOO_LARGE']);
});

test('a webhook without a secret is refused when the gateway starts', async () => {
  for (const secrets of [[], ['']])
    await expect(world.serve({ webhooks: { open: { scheme: github(), secrets, map: note } } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
});

test('a webhook that comes and goes is looked for at each delivery; what was fetched takes its way, and needs no proof', async () => {
  const there = new Map<string, Webhook>();
  const own = await world.serve({ findWebhook: (name) => there.get(name) });
  const knock = async (): Promise<number> => (await ask(own, 'POST', '/hooks/fetched', { body: '{}' })).status;
  const body = { update_id: 71, to: 'fetcher' };
  expect(await knock()).toBe(404);
  await expect(own.deliver('fetched', body)).rejects.toMatchObject({ code: 'ROUTE_UNKNOWN' });

  there.set('fetched', { scheme: telegram(), secrets: ['nobody knows it'], map: note });
  await own.deliver('fetched', body);
  await own.deliver('fetched', body);

  expect(await knock()).toBe(401);
  await eventually(() => notesOf('fetcher')).toEqual(['71']);
});
