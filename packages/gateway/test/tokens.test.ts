import { jetstreamManager } from '@nats-io/jetstream';
import type { ServedGateway, TokenWish, Verb } from '@wakebus/gateway';
import { decode } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenAuthorizer } from '../src/tokens/token-check.ts';
import { type World, ask, eventually, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve();
  await world.client.agent('tally', 'a').call({ type: 'note', text: 'x' });
});

afterAll(() => world[Symbol.asyncDispose]());

function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { Authorization: `Bearer ${token}` } };
}

async function statusWith(token: string, method = 'GET', path = '/agents/tally/a'): Promise<number> {
  return (await ask(gateway, method, path, bearer(token))).status;
}

test.each([
  ['no token', undefined],
  ['another scheme', 'Basic YTpi'],
  ['what is no token', 'Bearer hello'],
  ['a token that nobody issued', `Bearer wbt_${'0'.repeat(16)}.${'a'.repeat(43)}`],
])('%s is answered 401 with how to do better', async (_what, header) => {
  const answer = await ask(gateway, 'GET', '/agents/tally/a', {
    headers: header === undefined ? {} : { Authorization: header },
  });

  expect([answer.status, answer.body['code']]).toEqual([401, 'UNAUTHENTICATED']);
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
});

describe('a token is good for its verbs and its target, and for nothing else', () => {
  const requests = {
    send: ['POST', '/agents/tally/a/tell'],
    call: ['POST', '/agents/tally/a/tell?wait'],
    read: ['GET', '/agents/tally/a'],
    control: ['POST', '/agents/tally/a/control/release'],
  } as const;

  test.each(Object.keys(requests) as Verb[])('%s', async (verb) => {
    const token = await world.token({ verbs: [verb] });
    for (const [other, [method, path]] of Object.entries(requests)) {
      const status = await statusWith(token, method, path);
      expect([other, other === verb ? status < 300 : status]).toEqual([other, other === verb ? true : 403]);
    }
  });

  test.each([
    ['tally/a', '/agents/tally/a', 200],
    ['tally/a', '/agents/tally/b', 403],
    ['tally/a', '/agents/tally/a/history', 200],
    ['tally/a', '/agents/tally', 403],
    ['tally/a', '/history', 403],
    ['tally/*', '/agents/tally/a', 200],
    ['tally/*', '/agents', 200],
    ['tally/*', '/agents?type=other', 403],
    ['tally/*', '/agents/tall/a', 403],
    ['tally/*', '/history', 403],
    ['*', '/history', 200],
    ['*', '/agents', 200],
  ])('%s → %s: %i', async (target, path, status) => {
    expect(await statusWith(await world.token({ target }), 'GET', path)).toBe(status);
  });

  test('a list under a token for one type shows that type', async () => {
    await world.client.agent({ type: 'other' }, 'unserved').send({ type: 'x' });
    const { body } = await ask(gateway, 'GET', '/agents', bearer(await world.token({ target: 'tally/*' })));

    expect((body['agents'] as Array<{ address: string }>).every(({ address }) => address.startsWith('tally/'))).toBe(
      true,
    );
  });
});

test('what is kept of a token is a hash', async () => {
  const { token, record } = await world.tokens.issue({ target: '*', verbs: ['read'], name: 'ci' });
  const secret = token.split('.')[1] as string;
  const jsm = await jetstreamManager(world.connection);
  const stored = await jsm.direct.getMessage('KV_wakebus_tokens', { last_by_subj: `$KV.wakebus_tokens.${record.id}` });

  const text = Buffer.from(stored?.data ?? new Uint8Array()).toString('latin1');
  expect(decode(stored?.data ?? new Uint8Array())).toMatchObject({ id: record.id, name: 'ci' });
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret, 'base64url').toString('latin1'));
});

test('two secrets live during a rotation, and a second rotation ends the first', async () => {
  const { token: first, record } = await world.tokens.issue({ target: '*', verbs: ['read'] });
  expect(await statusWith(first)).toBe(200);
  const { token: second } = await world.tokens.rotate(record.id);
  expect([await statusWith(first), await statusWith(second)]).toEqual([200, 200]);

  const { token: third, record: after } = await world.tokens.rotate(record.id);

  expect(after.secrets).toHaveLength(2);
  await eventually(() => statusWith(first)).toBe(401);
  expect([await statusWith(second), await statusWith(third)]).toEqual([200, 200]);
});

test('a rotation without overlap ends the old secret at once', async () => {
  const { token, record } = await world.tokens.issue({ target: '*', verbs: ['read'] });
  const { token: next } = await world.tokens.rotate(record.id, 0);

  expect([await statusWith(token), await statusWith(next)]).toEqual([401, 200]);
});

test('an expired token is refused', async () => {
  expect(await statusWith(await world.token({ lifetimeMs: 0 }))).toBe(401);
});

test('a revoked token is refused by a gateway that has just seen it, and cannot be rotated', async () => {
  const { token, record } = await world.tokens.issue({ target: '*', verbs: ['read'] });
  expect(await statusWith(token)).toBe(200);

  await world.tokens.revoke(record.id);

  await expect.poll(() => statusWith(token), { timeout: 5_000 }).toBe(401);
  await expect(world.tokens.rotate(record.id)).rejects.toMatchObject({ code: 'TOKEN_NOT_FOUND' });
  expect((await world.tokens.list()).find(({ id }) => id === record.id)).toMatchObject({
    revokedMs: expect.any(Number),
    secrets: [],
  });
});

test.each([
  ['no verb', { verbs: [] }, 'INVALID_OPTION'],
  ['an unknown verb', { verbs: ['fly'] as unknown as Verb[] }, 'INVALID_OPTION'],
  ['no address', { target: 'tally' }, 'INVALID_ADDRESS'],
] satisfies Array<[string, Partial<TokenWish>, string]>)('a token for %s is not issued', async (_what, wish, code) => {
  await expect(world.token(wish)).rejects.toMatchObject({ code });
});

describe('what a gateway remembers of a token', () => {
  async function checked(): Promise<{
    check: () => Promise<string>;
    reads: () => number;
    advance: (ms: number) => void;
    fail: (isDown: boolean) => void;
    revoke: () => Promise<void>;
  }> {
    const { token, record } = await world.tokens.issue({ target: '*', verbs: ['read'] });
    let [nowMs, reads, isDown] = [0, 0, false];
    const source = {
      get: (id: string) => {
        reads += 1;
        return isDown ? Promise.reject(new Error('down')) : world.tokens.get(id);
      },
    };
    const authorize = tokenAuthorizer(source, () => nowMs);
    const headers = new Headers({ Authorization: `Bearer ${token}` });
    return {
      check: async () => {
        try {
          return (await authorize({ headers, address: '', url: '' })).id === record.id ? 'in' : 'other';
        } catch (error) {
          return (error as Error).message;
        }
      },
      reads: () => reads,
      advance: (ms) => (nowMs += ms),
      fail: (down) => (isDown = down),
      revoke: async () => void (await world.tokens.revoke(record.id)),
    };
  }

  test('counts for two seconds, and one look serves all who ask at the same time', async () => {
    const token = await checked();
    expect(await Promise.all([token.check(), token.check(), token.check()])).toEqual(['in', 'in', 'in']);
    token.advance(1_999);
    expect([await token.check(), token.reads()]).toEqual(['in', 1]);

    token.advance(2);

    expect([await token.check(), token.reads()]).toEqual(['in', 2]);
  });

  test('counts for no more than five when nobody can be asked', async () => {
    const token = await checked();
    await token.check();
    token.fail(true);
    token.advance(4_999);
    expect(await token.check()).toBe('in');

    token.advance(2);

    expect(await token.check()).toBe('down');
  });
});
