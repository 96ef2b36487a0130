/** What operators do over HTTP: to what was given up, what stands aside, and what comes by the clock. */
import { defineAgent, reply, sendToAgent } from '@wakebus/core';
import type { ServedGateway } from '@wakebus/gateway';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { type Answer, type World, ask, eventually, startWorld } from './world.ts';

/** A till that fails on every payment until it is mended, and passes payments on. */
const till = { isMended: false };
type TillEvent = { type: 'pay'; cents: number } | { type: 'tell' } | { type: 'pass'; to: string };
const machine = setup({
  types: { context: {} as { paid: number[] }, events: {} as TillEvent },
}).createMachine({
  context: { paid: [] },
  on: {
    pay: {
      guard: () => {
        if (!till.isMended) throw new Error('out of paper');
        return true;
      },
      actions: assign({ paid: ({ context, event }) => [...context.paid, event.cents] }),
    },
    tell: { actions: reply(({ context }) => context.paid) },
    pass: { actions: sendToAgent(({ event }) => event.to, { type: 'pay', cents: 1 }) },
  },
});
const retry = { attempts: 1, backoffMs: 1 };
const definitions = ['till', 'safe'].map((type) => defineAgent({ type, machine, retry }));

let world: World;
let gateway: ServedGateway;
let bearer: Record<string, string>;
let operator: string;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode(definitions);
  gateway = await world.serve();
  const { token, record } = await world.tokens.issue({ target: '*', verbs: ['send', 'call', 'read', 'control'] });
  bearer = { Authorization: `Bearer ${token}` };
  operator = `http:${record.id}`;
});

afterAll(() => world[Symbol.asyncDispose]());

function request(method: string, path: string, body?: unknown, headers = bearer): Promise<Answer> {
  return ask(gateway, method, path, { headers, ...(body !== undefined && { body }) });
}

/** A request under a token that may do only this. */
async function requestAs(wish: Parameters<World['token']>[0], method: string, path: string): Promise<Answer> {
  return request(method, path, undefined, { Authorization: `Bearer ${await world.token(wish)}` });
}

/** Numbers of the messages that a list shows. */
async function numbers(path: string): Promise<number[]> {
  return ((await request('GET', path)).body['messages'] as Array<{ id: number }>).map(({ id }) => id);
}

async function paid(id: string): Promise<unknown> {
  return JSON.parse((await request('POST', `/agents/till/${id}/tell?wait`)).text);
}

/** Gives up a payment. @returns the number of its letter. */
async function lose(id: string, cents: number): Promise<number> {
  till.isMended = false;
  await request('POST', `/agents/till/${id}/pay`, { cents });
  await eventually(() => numbers(`/dead-letters?agent=till/${id}`)).toHaveLength(1);
  till.isMended = true;
  return (await numbers(`/dead-letters?agent=till/${id}`))[0] as number;
}

async function auditOf(target: string): Promise<unknown[]> {
  const { body } = await request('GET', `/audit?target=${target}`);
  return (body['entries'] as Array<Record<string, string | undefined>>).map(({ action, outcome, by, reason, code }) =>
    [action, outcome, by, reason, code].filter((value) => value !== undefined).join(' '),
  );
}

describe('dead letters', () => {
  test('are listed, shown, and sent again, by whom and why being in the audit', async () => {
    const id = await lose('ada', 5);

    const shown = await request('GET', `/dead-letters/${id}`);
    const replayed = await request('POST', `/dead-letters/${id}/replay`, { reason: 'mended' });

    expect(shown.body).toMatchObject({ id, address: 'till/ada', event: 'pay', payload: { cents: 5 } });
    expect([replayed.status, replayed.body['duplicate']]).toEqual([202, false]);
    expect(await paid('ada')).toEqual([5]);
    expect((await request('GET', `/dead-letters/${id}`)).body).toMatchObject({ status: 404, code: 'PARKED_NOT_FOUND' });
    expect(await auditOf('till/ada')).toEqual([`replay asked ${operator} mended`, `replay done ${operator} mended`]);
  });

  test('are thrown away', async () => {
    const id = await lose('bob', 5);

    expect((await request('DELETE', `/dead-letters/${id}`)).status).toBe(204);

    expect((await request('DELETE', `/dead-letters/${id}`)).status).toBe(404);
    expect(await numbers('/dead-letters?agent=till/bob')).toEqual([]);
    expect(await paid('bob')).toEqual([]);
  });

  test('are there for the tokens of their agent only, and refused by verb, which the audit keeps', async () => {
    const id = await lose('cid', 5);
    const path = `/dead-letters/${id}`;

    const statuses = await Promise.all([
      requestAs({ target: 'till/cid', verbs: ['read'] }, 'GET', path),
      requestAs({ target: 'till/*', verbs: ['read'] }, 'GET', '/dead-letters'),
      requestAs({ target: 'till/cid', verbs: ['control'] }, 'GET', path),
      requestAs({ target: 'till/cid', verbs: ['read'] }, 'POST', `${path}/replay`),
      requestAs({ target: 'till/dan', verbs: ['read', 'control'] }, 'GET', path),
      requestAs({ target: 'till/dan', verbs: ['read', 'control'] }, 'DELETE', path),
      requestAs({ target: 'till/dan', verbs: ['read'] }, 'GET', '/dead-letters?agent=till/cid'),
    ]);

    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 403, 403, 404, 404, 403]);
    expect(statuses[1]?.body['messages']).toContainEqual(expect.objectContaining({ id, address: 'till/cid' }));
    await eventually(() => auditOf('till/cid')).toEqual([expect.stringMatching(/^replay refused http:\w+ FORBIDDEN$/)]);
    await request('DELETE', path);
  });
});

describe('held messages', () => {
  async function withHeld(id: string): Promise<void> {
    till.isMended = true;
    await paid(id);
    await request('POST', `/agents/till/${id}/control/suspend`, { reason: 'to look' });
    for (const cents of [1, 2]) await request('POST', `/agents/till/${id}/pay`, { cents });
    // Said once more, it changes nothing; what stands before it moves aside to let it be heard.
    await request('POST', `/agents/till/${id}/control/suspend`, { reason: 'to look' });
  }

  test('are listed, shown, and taken in their order once the agent is released', async () => {
    await withHeld('eve');
    const [first] = await numbers('/held?agent=till/eve');

    expect((await request('GET', `/held/${first}`)).body).toMatchObject({ payload: { cents: 1 }, code: 'SUSPENDED' });
    expect((await request('POST', '/agents/till/eve/control/release')).status).toBe(204);

    expect(await paid('eve')).toEqual([1, 2]);
  });

  test('are thrown away', async () => {
    await withHeld('fay');

    const cleared = await request('DELETE', '/agents/till/fay/held', { reason: 'sent twice' });
    await request('POST', '/agents/till/fay/control/release');

    expect(cleared.status).toBe(204);
    expect(await numbers('/held?agent=till/fay')).toEqual([]);
    expect(await paid('fay')).toEqual([]);
    expect(await auditOf('till/fay')).toContain(`clear done ${operator} sent twice`);
  });

  test('of an agent that takes its messages are not thrown away', async () => {
    await paid('gus');

    expect((await request('DELETE', '/agents/till/gus/held')).body).toMatchObject({
      status: 409,
      code: 'AGENT_REFUSED',
    });
    expect(await auditOf('till/gus')).toEqual([`clear asked ${operator}`, `clear failed ${operator} AGENT_REFUSED`]);
  });
});

describe('schedules', () => {
  const path = '/agents/till/hal/schedules/rent';
  const rent = { event: { type: 'pay', cents: 9 }, everyMs: 86_400_000, missed: 'skip' };

  test('are made, shown, listed, fired and ended', async () => {
    till.isMended = true;
    const made = await request('PUT', path, rent);
    const shown = await request('GET', path);
    const fired = await request('POST', '/agents/till/hal/timers/rent/fire');

    expect([made.status, shown.body['nextMs']]).toEqual([200, made.body['nextMs']]);
    expect((await request('GET', '/schedules?agent=till/hal')).body).toMatchObject({ schedules: [{ id: 'rent' }] });
    expect(fired.status).toBe(204);
    await eventually(() => paid('hal')).toEqual([9]);
    expect((await request('DELETE', path)).status).toBe(204);
    expect((await request('GET', path)).body).toMatchObject({ status: 404, code: 'TIMER_NOT_FOUND' });
  });

  test('stand among the timers, of all and of one agent, and are cancelled there', async () => {
    await request('PUT', '/agents/till/ike/schedules/rent', rent);

    const mine = await request('GET', '/timers?agent=till/ike');
    await eventually(async () => (await request('GET', '/timers')).body['next']).toContainEqual(
      expect.objectContaining({ agent: 'till/ike', id: 'rent' }),
    );
    const cancelled = await request('DELETE', '/agents/till/ike/timers/rent', { reason: 'moved out' });

    expect(mine.body).toMatchObject({ total: 1, isCut: false, next: [{ agent: 'till/ike', id: 'rent' }] });
    expect(cancelled.status).toBe(204);
    expect((await request('GET', '/timers?agent=till/ike')).body).toMatchObject({ total: 0 });
    expect((await request('DELETE', '/agents/till/ike/timers/rent')).body['code']).toBe('TIMER_NOT_FOUND');
    expect((await requestAs({ verbs: ['read'] }, 'DELETE', '/agents/till/ike/timers/rent')).status).toBe(403);
  });

  test('of a whole type are listed with those of its agents', async () => {
    await request('PUT', '/agents/till/*/schedules/all', rent);

    expect((await request('GET', '/schedules?type=till')).body['schedules']).toContainEqual(
      expect.objectContaining({ agent: 'till/*', id: 'all', event: { type: 'pay', cents: 9 } }),
    );
    expect((await request('DELETE', '/agents/till/*/schedules/all')).status).toBe(204);
  });

  test.each([
    [{}, 'INVALID_OPTION'],
    [{ event: { type: 'pay' } }, 'INVALID_OPTION'],
    [{ ...rent, event: { type: 'wakebus.fan-out' } }, 'RESERVED_EVENT'],
    [[1], 'INVALID_PAYLOAD'],
  ])('like %o are refused', async (body, code) => {
    expect((await request('PUT', path, body)).body).toMatchObject({ status: 400, code });
  });

  test('need the verb of operators', async () => {
    expect((await requestAs({ verbs: ['send', 'call', 'read'] }, 'PUT', path)).status).toBe(403);
    expect((await requestAs({ target: 'till/ida', verbs: ['read'] }, 'GET', '/schedules?type=till')).status).toBe(403);
  });
});

describe('a chain of wakes', () => {
  test('is explained to those whose token is for all that it touches', async () => {
    till.isMended = true;
    await request('POST', '/agents/till/kim/pass?wait', { to: 'safe/one' });
    const explained = (): Promise<Answer> => request('GET', '/explain?target=safe/one');
    await eventually(async () => (await explained()).body['steps']).toBe(2);

    const ofTarget = (target: string): Promise<Answer> =>
      requestAs({ target, verbs: ['read'] }, 'GET', '/explain?target=safe/one');
    const traceId = (await explained()).body['traceId'] ?? '0'.repeat(32);

    expect((await explained()).body).toMatchObject({
      root: { address: 'till/kim', caused: [{ address: 'safe/one', cause: 'message' }] },
    });
    expect([(await ofTarget('safe/*')).status, (await ofTarget('till/*')).status]).toEqual([403, 403]);
    expect((await ofTarget('safe/*')).text).not.toContain('till');
    const byTrace = `/explain?target=${traceId as string}`;
    expect((await requestAs({ target: 'safe/*', verbs: ['read'] }, 'GET', byTrace)).status).toBe(403);
  });

  test('that nobody knows is not found', async () => {
    expect((await request('GET', '/explain?target=till/nobody')).body).toMatchObject({ status: 404 });
    expect((await request('GET', '/explain')).body).toMatchObject({ status: 400, code: 'INVALID_OPTION' });
  });
});

test('a recovery that cannot be begun is refused, and the audit keeps that too', async () => {
  await paid('lou');

  expect((await request('POST', '/agents/till/lou/control/recover', { decision: 'maybe' })).status).toBe(400);
  expect((await request('POST', '/agents/till/nobody/control/recover')).body).toMatchObject({
    code: 'AGENT_NOT_FOUND',
  });
  expect(await auditOf('till/nobody')).toEqual([`recover refused ${operator} AGENT_NOT_FOUND`]);
});

describe('an agent type', () => {
  test('is disabled and enabled as a whole', async () => {
    expect((await request('POST', '/types/safe/disable', { reason: 'it leaks' })).status).toBe(204);
    expect((await request('GET', '/types/safe')).body['disabled']).toMatchObject({ reason: 'it leaks' });

    const taken = request('POST', '/agents/safe/gus/tell?wait');
    const enabled = await request('POST', '/types/safe/enable');

    expect([enabled.status, enabled.body]).toEqual([200, { wasDisabled: true }]);
    expect((await taken).text).toBe('[]');
    expect((await request('GET', '/types/safe')).body).not.toHaveProperty('disabled');
    expect(await auditOf('safe')).toEqual([
      `disable asked ${operator} it leaks`,
      `disable done ${operator} it leaks`,
      `enable asked ${operator}`,
      `enable done ${operator}`,
    ]);
  });

  test('is not for tokens of one agent, nor for those that may only look, which the audit keeps', async () => {
    const statuses = await Promise.all([
      requestAs({ target: 'till/ada', verbs: ['control'] }, 'POST', '/types/till/disable'),
      requestAs({ target: 'till/*', verbs: ['read'] }, 'POST', '/types/till/disable'),
      requestAs({ target: 'safe/*', verbs: ['control'] }, 'POST', '/types/till/enable'),
      requestAs({ target: 'till/*', verbs: ['control'] }, 'POST', '/types/no%20type/enable'),
    ]);

    expect(statuses.map(({ status }) => status)).toEqual([403, 403, 403, 400]);
    await eventually(async () => (await auditOf('till')).toSorted()).toEqual([
      expect.stringMatching(/^disable refused http:\w+ FORBIDDEN$/),
      expect.stringMatching(/^disable refused http:\w+ FORBIDDEN$/),
      expect.stringMatching(/^enable refused http:\w+ FORBIDDEN$/),
    ]);
  });
});
