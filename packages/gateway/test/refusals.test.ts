/** What is refused at the door stands in the audit: by real requests, and by the clock. */
import type { Client } from '@wakebus/client';
import { type ServedGateway, type Webhook, cloudEvents, standardWebhooks } from '@wakebus/gateway';
import { type ErrorCode, WakebusError } from '@wakebus/protocol';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Refusals } from '../src/refusals.ts';
import { type World, ask, eventually, startWorld } from './world.ts';

const SECRET = `whsec_${Buffer.from('standard-secret').toString('base64')}`;
const FORGED = `whsec_${Buffer.from('another-secret').toString('base64')}`;
const map: Webhook['map'] = { agent: 'tally/hook', event: 'note' };
const webhooks = {
  forged: { scheme: standardWebhooks(), secrets: [SECRET], map },
  late: { scheme: standardWebhooks(), secrets: [SECRET], map },
  broken: { scheme: standardWebhooks(), secrets: [SECRET], map },
  large: { scheme: cloudEvents(), secrets: [SECRET], map },
};

describe('over HTTP', () => {
  let world: World;
  let gateway: ServedGateway;
  let reader: Record<string, string>;

  beforeAll(async () => {
    world = await startWorld();
    gateway = await world.serve({ webhooks, limits: { deliveryBytes: 1_000 } });
    reader = { Authorization: `Bearer ${await world.token({ verbs: ['read'] })}` };
  });

  afterAll(() => world[Symbol.asyncDispose]());

  function delivery(body: string, secret: string, at = new Date()): { body: string; headers: Record<string, string> } {
    const atS = String(Math.floor(at.getTime() / 1_000));
    const signature = new StandardWebhook(secret).sign('d-1', at, body);
    return { body, headers: { 'webhook-id': 'd-1', 'webhook-timestamp': atS, 'webhook-signature': signature } };
  }

  function auditOf(endpoint: string): () => Promise<unknown> {
    return async () => (await ask(gateway, 'GET', `/audit?target=${endpoint}`, { headers: reader })).body['entries'];
  }

  test.each([
    ['forged', delivery('{"secret":"payload"}', FORGED), 'SIGNATURE_INVALID', 'its signature is wrong'],
    [
      'late',
      delivery('{}', SECRET, new Date(Date.now() - 1_000_000)),
      'SIGNATURE_INVALID',
      /^it was signed \d+ s from now$/,
    ],
    ['broken', delivery('{"secret":', SECRET), 'INVALID_PAYLOAD', undefined],
    ['large', { body: 'x'.repeat(2_000) }, 'REQUEST_TOO_LARGE', undefined],
  ])(
    'a delivery that is %s is in the audit, without what it carried or where it came from',
    async (name, sent, code, reason) => {
      expect((await ask(gateway, 'POST', `/hooks/${name}`, sent)).body['code']).toBe(code);

      const entry = { v: 1, action: 'deliver', target: `/hooks/${name}`, by: 'http', outcome: 'refused', code };
      await eventually(auditOf(`/hooks/${name}`)).toEqual([
        {
          ...entry,
          ...(reason !== undefined && { reason: expect.stringMatching(reason) }),
          facts: { count: 1 },
          id: expect.any(String),
          atMs: expect.any(Number),
        },
      ]);
    },
  );

  test('deliveries to webhooks that somebody made up are one kind', async () => {
    for (const name of ['a', 'b', 'c']) await ask(gateway, 'POST', `/hooks/${name}`, { body: {} });

    await eventually(auditOf('/hooks/:name')).toMatchObject([{ code: 'ROUTE_UNKNOWN', facts: { count: 1 } }]);
  });

  test('an event without a token is in the audit, and one whose token is not for it under the token’s ID', async () => {
    const { token, record } = await world.tokens.issue({ target: 'tally/a', verbs: ['send'] });
    const headers = { Authorization: `Bearer ${token}` };
    const line = JSON.stringify({ agent: 'tally/b', event: 'note' });
    await ask(gateway, 'POST', '/agents/tally/a/note', { body: {} });
    await ask(gateway, 'POST', '/agents/tally/b/note', { body: {}, headers });
    await ask(gateway, 'POST', '/events', { body: `${line}\n${line}\n`, headers });
    await ask(gateway, 'POST', '/tally/own/route', { body: {} });
    const taken = await ask(gateway, 'POST', '/agents/tally/a/note', { body: {}, headers });

    expect(taken.status).toBe(202);
    await eventually(auditOf('/agents/:type/:id/:event')).toMatchObject([
      { action: 'send', by: 'http', code: 'UNAUTHENTICATED', outcome: 'refused' },
      { action: 'send', by: `http:${record.id}`, code: 'FORBIDDEN', outcome: 'refused' },
    ]);
    await eventually(auditOf('/events')).toMatchObject([{ by: `http:${record.id}`, code: 'FORBIDDEN' }]);
    await eventually(auditOf('/:type/*')).toMatchObject([{ by: 'http', code: 'UNAUTHENTICATED' }]);
  });

  test('who may read some agents only does not see it', async () => {
    const headers = { Authorization: `Bearer ${await world.token({ target: 'tally/*', verbs: ['read'] })}` };

    expect((await ask(gateway, 'GET', '/audit?target=/hooks/forged', { headers })).status).toBe(403);
  });
});

describe('however many there are', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    return () => vi.useRealTimers();
  });

  function writer(): { refusals: Refusals; written: unknown[]; ended: AbortController } {
    const written: unknown[] = [];
    const ended = new AbortController();
    const noteRefusal: Client['noteRefusal'] = async (_action, about, code, options) => {
      written.push([about, code, options?.by, options?.facts?.['count']]);
    };
    return { refusals: new Refusals({ noteRefusal }, ended.signal), written, ended };
  }

  function note(refusals: Refusals, times: number, code: ErrorCode = 'UNAUTHENTICATED', by?: string): void {
    const error = new WakebusError(code as 'UNAUTHENTICATED', { why: 'it carries no token' });
    const grant = by === undefined ? undefined : ({ id: by, target: '*', verbs: ['read'] } as const);
    for (let i = 0; i < times; i += 1) refusals.note({ action: 'send', endpoint: '/events', error, grant });
  }

  test('the first is written at once, and those that follow as their number, ever more rarely', () => {
    const { refusals, written } = writer();

    note(refusals, 1_000);
    expect(written).toEqual([['/events', 'UNAUTHENTICATED', 'http', 1]]);
    vi.advanceTimersByTime(10_000);
    note(refusals, 5);
    vi.advanceTimersByTime(19_999);
    expect(written.slice(1)).toEqual([['/events', 'UNAUTHENTICATED', 'http', 999]]);
    vi.advanceTimersByTime(1);
    expect(written.slice(2)).toEqual([['/events', 'UNAUTHENTICATED', 'http', 5]]);
  });

  test('a day of them is no more than some 150 entries, and none is lost from the count', () => {
    const { refusals, written } = writer();

    for (let second = 0; second < 86_400; second += 1) {
      note(refusals, 1);
      vi.advanceTimersByTime(1_000);
    }
    vi.advanceTimersByTime(600_000);

    expect(written.length).toBeLessThan(160);
    expect((written as Array<[string, string, string, number]>).reduce((sum, [, , , count]) => sum + count, 0)).toBe(
      86_400,
    );
  });

  test('after a quiet pause the next is the first again', () => {
    const { refusals, written } = writer();

    note(refusals, 1);
    vi.advanceTimersByTime(10_000);
    note(refusals, 1);

    expect(written).toHaveLength(2);
  });

  test('what is counted when the gateway goes is written', () => {
    const { refusals, written, ended } = writer();

    note(refusals, 4);
    ended.abort();
    vi.advanceTimersByTime(600_000);

    expect(written.map((entry) => (entry as unknown[])[3])).toEqual([1, 3]);
  });

  test('callers beyond a thousand have no name, and share an entry', () => {
    const { refusals, written } = writer();

    for (let caller = 0; caller < 3_000; caller += 1) note(refusals, 1, 'UNAUTHENTICATED', `t${caller}`);

    expect(written).toHaveLength(1_001);
    expect(written.at(-1)).toEqual(['/events', 'UNAUTHENTICATED', 'http', 1]);
  });

  test('what was shed, or failed, is no refusal', () => {
    const { refusals, written } = writer();

    note(refusals, 1, 'UNAVAILABLE');
    refusals.note({ action: 'send', endpoint: '/events', error: new Error('a fault') });

    expect(written).toEqual([]);
  });
});
