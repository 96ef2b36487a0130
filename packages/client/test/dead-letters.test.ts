import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { defineAgent, reply } from '@wakebus/core';
import type { HistoryEntry } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { type TestDeployment, failure, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

/** A till that fails on every payment until it is mended. */
const till = { isMended: false };
const machine = setup({
  types: { context: {} as { paid: number[] }, events: {} as { type: 'pay'; cents: number } | { type: 'tell' } },
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
  },
});
const definition = defineAgent({ type: 'till', machine, retry: { attempts: 1, backoffMs: 1 } });
const strict = defineAgent({ type: 'strict', machine, retry: { attempts: 1, backoffMs: 1 }, onPoison: 'stop' });

type Agents = { till: typeof definition; strict: typeof strict };
let deployment: TestDeployment<Agents>;

beforeAll(async () => {
  deployment = await startDeployment<Agents>();
  await deployment.startNode([definition, strict]);
});

afterAll(() => deployment[Symbol.asyncDispose]());

/** Gives up a payment, and finds its letter. */
async function lose(id: string, cents: number, trace?: Readonly<Record<string, string>>): Promise<number> {
  till.isMended = false;
  await deployment.client.agent('till', id).send({ type: 'pay', cents }, trace === undefined ? {} : { trace });
  const found = async (): Promise<number> =>
    (await deployment.client.deadLetters.list({ agent: `till/${id}` })).messages.length;
  const before = await found();
  await eventually(found).toBe(before === 0 ? 1 : before + 1);
  const { messages } = await deployment.client.deadLetters.list({ agent: `till/${id}` });
  till.isMended = true;
  return messages.at(-1)?.id as number;
}

async function consumers(): Promise<number> {
  const manager = await jetstreamManager(deployment.connection);
  return (await manager.streams.info(deployment.client.layout.deadLettersStream)).state.consumer_count;
}

describe('dead letters', () => {
  test('say what was given up, why, and how often it was tried', async () => {
    const id = await lose('ada', 5);

    const { messages } = await deployment.client.deadLetters.list({ type: 'till', code: 'DEAD_LETTERED' });
    const letter = await deployment.client.deadLetters.get(id);

    expect(messages).toEqual([
      expect.objectContaining({
        id,
        address: 'till/ada',
        what: 'event',
        event: 'pay',
        attempts: 2,
        code: 'DEAD_LETTERED',
      }),
    ]);
    expect(letter).toMatchObject({ payload: { cents: 5 }, message: expect.stringContaining('out of paper') as string });
    expect(await deployment.client.deadLetters.list({ code: 'OTHER' })).toEqual({ messages: [] });
  });

  test('replayed are processed and gone, and keep their trace', async () => {
    const trace = { traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01' };
    const id = await lose('bob', 7, trace);

    const receipt = await deployment.client.deadLetters.replay(id, { reason: 'mended' });

    expect(await deployment.client.agent('till', 'bob').call({ type: 'tell' })).toEqual([7]);
    expect((await failure(deployment.client.deadLetters.get(id))).code).toBe('PARKED_NOT_FOUND');
    const history = async (): Promise<HistoryEntry | undefined> =>
      (await deployment.client.history('till/bob')).commits.find(({ events }) =>
        events.some((event) => event.id === receipt.messageId),
      );
    await eventually(async () => (await history())?.events).toHaveLength(1);
    expect((await history())?.traceparent).toContain('0123456789abcdef0123456789abcdef');
  });

  test('replayed twice are one event, although the letter was still there the second time', async () => {
    const id = await lose('cid', 9);
    const { layout } = deployment.client;
    const bytes = (
      await (await jetstreamManager(deployment.connection)).streams.getMessage(layout.deadLettersStream, { seq: id })
    )?.data;
    await deployment.client.deadLetters.replay(id);
    // As after a crash between the two: the letter stands there again.
    await jetstream(deployment.connection).publish(layout.deadLetterSubject('till.cid' as never), bytes);
    const again = (await deployment.client.deadLetters.list({ agent: 'till/cid' })).messages.at(-1)?.id as number;

    const second = await deployment.client.deadLetters.replay(again);

    expect(second.duplicate).toBe(true);
    expect(await deployment.client.agent('till', 'cid').call({ type: 'tell' })).toEqual([9]);
    expect((await deployment.client.deadLetters.list({ agent: 'till/cid' })).messages).toEqual([]);
  });

  test('that die again are new letters, which can be replayed too', async () => {
    const id = await lose('dan', 3);
    till.isMended = false;
    await deployment.client.deadLetters.replay(id);
    const letters = async (): Promise<number[]> =>
      (await deployment.client.deadLetters.list({ agent: 'till/dan' })).messages.map((letter) => letter.id);
    await eventually(letters).toEqual([expect.any(Number)]);

    till.isMended = true;
    const [next] = await letters();
    expect(next).not.toBe(id);
    await deployment.client.deadLetters.replay(next as number);

    expect(await deployment.client.agent('till', 'dan').call({ type: 'tell' })).toEqual([3]);
  });

  test('of what is no event are not replayed, and say so', async () => {
    const { client, connection } = deployment;
    await jetstream(connection).publish('agents.till.not=xx.pay', '{}');
    const strays = async (): Promise<number[]> =>
      (await client.deadLetters.list({ code: 'INVALID_ADDRESS' })).messages.map(({ id }) => id);
    await eventually(strays).toHaveLength(1);
    const [id] = await strays();

    expect((await failure(client.deadLetters.replay(id as number))).code).toBe('NOT_REPLAYABLE');
    await client.deadLetters.discard(id as number, { reason: 'misspelt' });

    expect(await strays()).toEqual([]);
    expect((await failure(client.deadLetters.discard(id as number))).code).toBe('PARKED_NOT_FOUND');
  });

  test('come page by page, and leave no consumer behind', async () => {
    const { client, connection } = deployment;
    const js = jetstream(connection);
    const id = await lose('eve', 1);
    const { layout } = client;
    const data = (await (await jetstreamManager(connection)).streams.getMessage(layout.deadLettersStream, { seq: id }))
      ?.data;
    const before = await consumers();
    await Promise.all(
      Array.from({ length: 600 }, () => js.publish(layout.deadLetterSubject('till.eve' as never), data)),
    );

    const found: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.deadLetters.list({ agent: 'till/eve', pageSize: 250, ...(cursor && { cursor }) });
      found.push(...page.messages.map((letter) => letter.id));
      ({ cursor } = page);
    } while (cursor !== undefined);

    expect(new Set(found).size).toBe(601);
    expect(await consumers()).toBe(before);
  });

  test.each([0, -1, 1.5, Number.NaN])('have no number %s', async (id) => {
    expect((await failure(deployment.client.deadLetters.get(id))).code).toBe('INVALID_OPTION');
  });
});

describe('held messages', () => {
  /** Suspends an agent with three payments before it, which stand aside once an operator is heard. */
  async function withHeld(id: string): Promise<void> {
    till.isMended = true;
    const { client } = deployment;
    await client.agent('till', id).call({ type: 'tell' });
    await client.suspend(`till/${id}`, { reason: 'to look' });
    for (const cents of [1, 2, 3]) await client.agent('till', id).send({ type: 'pay', cents }, { id: `p-${cents}` });
    // Said once more, a suspension changes nothing; what stands before it moves aside to let it be heard.
    await client.suspend(`till/${id}`, { reason: 'to look' });
  }

  test('are listed and shown with what they carry', async () => {
    await withHeld('gus');

    const { messages } = await deployment.client.held.list({ agent: 'till/gus' });
    const shown = await deployment.client.held.get(messages[1]?.id as number);

    expect(messages.map(({ event, code }) => `${event} ${code}`)).toEqual(Array(3).fill('pay SUSPENDED'));
    expect(shown).toMatchObject({ payload: { cents: 2 }, message: 'to look', address: 'till/gus' });
    await deployment.client.release('till/gus');
    expect(await deployment.client.agent('till', 'gus').call({ type: 'tell' })).toEqual([1, 2, 3]);
  });

  test('are thrown away by an operator, whoever waits for one is told, and what comes after goes on', async () => {
    const { client } = deployment;
    await withHeld('hal');
    const waiting = client.agent('till', 'hal').call({ type: 'tell' }, { id: 'asked' });

    await eventually(async () => (await client.inspect('till/hal'))?.waiting).toBe(4);
    await client.held.clear('till/hal', { reason: 'sent by mistake' });

    expect((await failure(waiting)).code).toBe('AGENT_REFUSED');
    await eventually(async () => (await client.held.list({ agent: 'till/hal' })).messages).toEqual([]);
    await client.release('till/hal');
    await client.agent('till', 'hal').send({ type: 'pay', cents: 4 });
    expect(await client.agent('till', 'hal').call({ type: 'tell' })).toEqual([4]);
    // As good as processed: what is repeated under its ID is not a new event.
    await client.agent('till', 'hal').send({ type: 'pay', cents: 1 }, { id: 'p-1' });
    expect(await client.agent('till', 'hal').call({ type: 'tell' })).toEqual([4]);
  });

  test('of an agent that takes its messages are not thrown away', async () => {
    const { client } = deployment;
    await client.agent('till', 'ida').call({ type: 'tell' });

    expect((await failure(client.held.clear('till/ida'))).code).toBe('AGENT_REFUSED');
  });
});

describe('an agent whose type stops at a failure', () => {
  test('has failed, keeps what waits in its order, and goes on from there once it is recovered', async () => {
    const { client } = deployment;
    till.isMended = false;
    const agent = client.agent('strict', 'ann');
    for (const cents of [1, 2, 3]) await agent.send({ type: 'pay', cents });
    await eventually(async () => (await client.inspect('strict/ann'))?.lifecycle).toMatchObject({
      name: 'failed',
      code: 'AGENT_FAILED',
    });
    expect((await client.deadLetters.list({ agent: 'strict/ann' })).messages).toEqual([]);

    till.isMended = true;
    await client.recover('strict/ann', { reason: 'mended' });

    expect(await agent.call({ type: 'tell' })).toEqual([1, 2, 3]);
    expect((await client.inspect('strict/ann'))?.lifecycle.name).toBe('awake');
  });

  test('fails anew, as often as it had tried, when it is recovered and nothing is mended', async () => {
    const { client } = deployment;
    till.isMended = false;
    await client.agent('strict', 'bea').send({ type: 'pay', cents: 1 });
    const lifecycle = async (): Promise<number | undefined> => {
      const found = await client.inspect('strict/bea');
      return found?.lifecycle.name === 'failed' ? found.lifecycle.sinceMs : undefined;
    };
    await eventually(lifecycle).toBeDefined();
    const before = await lifecycle();

    await client.recover('strict/bea');

    await eventually(async () => ((await lifecycle()) ?? 0) > (before ?? 0)).toBe(true);
    expect((await client.inspect('strict/bea'))?.attempt?.count).toBe(2);
  });
});

test('the audit says who did what and why, and what came of it', async () => {
  const id = await lose('zoe', 2);
  await deployment.client.deadLetters.replay(id, { reason: 'mended' });
  await failure(deployment.client.held.clear('till/zoe', { reason: 'for a try', by: 'zoe' }));

  const { entries } = await deployment.client.audit({ target: 'till/zoe' });

  expect(entries.map(({ action, outcome, by, reason, code }) => [action, outcome, by, reason, code])).toEqual([
    ['replay', 'asked', 'unknown', 'mended', undefined],
    ['replay', 'done', 'unknown', 'mended', undefined],
    ['clear', 'asked', 'zoe', 'for a try', undefined],
    ['clear', 'failed', 'zoe', 'for a try', 'AGENT_REFUSED'],
  ]);
  expect(entries[0]?.facts).toMatchObject({ letter: id });
});

test('the audit keeps what was refused before it was begun', async () => {
  const { client, connection } = deployment;
  await jetstream(connection).publish('agents.till.audited=xx.pay', '{}');
  const strays = async (): Promise<number[]> =>
    (await client.deadLetters.list({ code: 'INVALID_ADDRESS' })).messages.map(({ id }) => id);
  await eventually(strays).toHaveLength(1);
  const [letter] = await strays();

  await failure(client.deadLetters.replay(letter as number, { reason: 'for a try' }));
  await failure(client.suspend('till/nobody'));
  await client.noteRefusal('remove', 'till/nobody', 'FORBIDDEN', { by: 'a token' });

  const codesOf = async (target: string): Promise<unknown[]> =>
    (await client.audit({ target })).entries.map(({ action, outcome, code }) => [action, outcome, code]);
  expect(await codesOf('invalid/address')).toContainEqual(['replay', 'refused', 'NOT_REPLAYABLE']);
  expect(await codesOf('till/nobody')).toEqual([
    ['suspend', 'refused', 'AGENT_NOT_FOUND'],
    ['remove', 'refused', 'FORBIDDEN'],
  ]);
});
