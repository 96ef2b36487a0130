/**
 * What may happen to a delivery between its sender and its agent, and that the agent has taken as many turns as
 * deliveries were sent. Signed by the senders' own libraries; loaded by autocannon.
 */
import { sign as signGithub } from '@octokit/webhooks-methods';
import { type ServedGateway, type Webhook, github, standardWebhooks } from '@wakebus/gateway';
import autocannon from 'autocannon';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from './tally-agent.ts';
import { type Answer, type World, ask, eventually, everyone, raw, startWorld } from './world.ts';

const SECRET = `whsec_${Buffer.from('one-secret-for-both').toString('base64')}`;
const DELIVERY_BYTES = 300_000;

const map: Webhook['map'] = ({ id, body }) => ({
  agent: `tally/${(body as { to: string }).to}`,
  event: 'note',
  data: { text: id, padding: (body as { padding?: string }).padding ?? '' },
});
const webhooks = {
  github: { scheme: github(), secrets: [SECRET], map },
  standard: { scheme: standardWebhooks(), secrets: [SECRET], map },
};

let world: World;
let gateway: ServedGateway;
let other: ServedGateway;
/** One that waits for nobody. */
let hasty: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  const limits = { failuresPerAddress: 1_000, deliveryBytes: DELIVERY_BYTES };
  gateway = await world.serve({ webhooks, limits });
  other = await world.serve({ webhooks, limits });
  hasty = await world.serve({ webhooks, limits: { ...limits, arrivalMs: 300 } });
});

afterAll(() => world[Symbol.asyncDispose]());

interface Delivery {
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** How each sender's own library signs a delivery. */
const senders: Record<string, (id: string, body: string, secret?: string, at?: Date) => Promise<Delivery>> = {
  github: async (id, body, secret = SECRET) => {
    const headers = { 'X-GitHub-Event': 'issues', 'X-GitHub-Delivery': id };
    return { body, headers: { ...headers, 'X-Hub-Signature-256': await signGithub(secret, body) } };
  },
  standard: async (id, body, secret = SECRET, at = new Date()) => {
    const signature = new StandardWebhook(secret).sign(id, at, body);
    const atS = String(Math.floor(at.getTime() / 1_000));
    return { body, headers: { 'webhook-id': id, 'webhook-timestamp': atS, 'webhook-signature': signature } };
  },
};

/** What comes before the end of a request's headers. */
function head(name: string, { body, headers }: Delivery): string {
  const lines = Object.entries({ Host: 'gateway', 'Content-Length': String(body.length), ...headers });
  return [`POST /hooks/${name} HTTP/1.1`, ...lines.map(([key, value]) => `${key}: ${value}`), ''].join('\r\n');
}

const FORGED = `whsec_${Buffer.from('another-secret').toString('base64')}`;

describe.each(Object.keys(senders))('deliveries of %s', (name) => {
  const to = `${name}-wire`;
  const sign = senders[name] as (typeof senders)[string];
  const bodyTo = (padding = ''): string => JSON.stringify({ to, padding });

  function post(delivery: Delivery, at: ServedGateway = gateway): Promise<Answer> {
    return ask(at, 'POST', `/hooks/${name}`, { ...delivery });
  }

  /** What the agent has taken, and in how many turns. */
  async function taken(): Promise<{ readonly notes: readonly string[]; readonly turns: number }> {
    const agent = await world.client.inspect(tally, to);
    return { notes: (agent?.context as { notes: string[] } | undefined)?.notes ?? [], turns: agent?.turns ?? 0 };
  }

  /** Delivers something new, and waits until it is taken: one turn. */
  async function deliver(delivery: Delivery, notes: readonly string[]): Promise<void> {
    expect((await post(delivery)).body).toEqual({ stored: 1, duplicate: 0, ignored: 0 });
    await eventually(taken).toEqual({ notes, turns: notes.length });
  }

  test('get what they should, whatever becomes of them, and each is one turn', async () => {
    const [first, second, third] = (await Promise.all(['1', '2', '3'].map((id) => sign(id, bodyTo())))) as [
      Delivery,
      Delivery,
      Delivery,
    ];
    // Reordered: the second comes first, and nobody waits for the one before.
    await deliver(second, ['2']);
    await deliver(first, ['2', '1']);

    // Retried, and replayed: one by one, to another gateway, and by many at once.
    const again = [await post(first), await post(second, other), await post(first, other)];
    for (const answer of again) expect(answer.body).toEqual({ stored: 0, duplicate: 1, ignored: 0 });
    const crowd = await Promise.all(Array.from({ length: 8 }, (_, i) => post(third, i % 2 === 0 ? gateway : other)));
    expect(crowd.filter(({ body }) => body['stored'] === 1)).toHaveLength(1);
    await eventually(taken).toEqual({ notes: ['2', '1', '3'], turns: 3 });

    // Tampered with, and wrongly signed.
    const changed = { ...(await sign('4', bodyTo())), body: bodyTo('more') };
    const { headers } = await sign('4', bodyTo());
    for (const delivery of [
      changed,
      await sign('4', bodyTo(), FORGED),
      { headers, body: '' },
      { headers: {}, body: '{}' },
    ])
      expect(await post(delivery)).toMatchObject({ status: 401, body: { code: 'SIGNATURE_INVALID' } });

    // Oversized: on the wire, and as an event.
    const huge = await sign('5', bodyTo('x'.repeat(DELIVERY_BYTES)));
    expect(await post(huge)).toMatchObject({ status: 413, body: { code: 'REQUEST_TOO_LARGE' } });
    const large = await sign('6', bodyTo('x'.repeat(270_000)));
    expect(await post(large)).toMatchObject({ status: 413, body: { code: 'EVENT_TOO_LARGE' } });

    // Slow: a byte now and then.
    const slow = await sign('7', bodyTo('x'.repeat(2_000)));
    expect(await raw(hasty, `${head(name, slow)}\r\n`, slow.body)).toMatch(/^HTTP\/1.1 408/);
    expect(await raw(hasty, head(name, slow), `X-Slow: ${slow.body}`)).toMatch(/^HTTP\/1.1 408/);

    // What is right is taken all the same, and nothing else has been.
    await deliver(await sign('4', bodyTo()), ['2', '1', '3', '4']);
  });
});

test('a delivery that was caught is worthless under another ID or time, where those are signed', async () => {
  const body = JSON.stringify({ to: 'caught' });
  const caught = await (senders['standard'] as (typeof senders)[string])('c-1', body);
  const old = await (senders['standard'] as (typeof senders)[string])(
    'c-2',
    body,
    SECRET,
    new Date(Date.now() - 400_000),
  );
  const later = String(Number(caught.headers['webhook-timestamp']) + 1);

  for (const headers of [
    { ...caught.headers, 'webhook-id': 'c-3' },
    { ...caught.headers, 'webhook-timestamp': later },
    old.headers,
  ])
    expect((await ask(gateway, 'POST', '/hooks/standard', { body, headers })).status).toBe(401);
  expect(await world.client.inspect(tally, 'caught')).toBeUndefined();
});

test('under load every event that is accepted is taken, and no other', async () => {
  const open = await world.serve({ authorize: everyone });
  const result = await autocannon({
    url: `${open.url}/agents/tally/loaded/count`,
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
    connections: 32,
    amount: 3_000,
  });

  expect([result['2xx'], result.non2xx, result.errors]).toEqual([3_000, 0, 0]);
  await eventually(async () => (await world.client.inspect(tally, 'loaded'))?.context).toMatchObject({ events: 3_000 });
});
