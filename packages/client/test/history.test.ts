import type { PastCommit } from '@wakebus/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type TestDeployment, failure, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

let deployment: TestDeployment<{ counter: typeof counter }>;

beforeAll(async () => {
  deployment = await startDeployment();
  await deployment.startNode([counter]);
});

afterAll(() => deployment[Symbol.asyncDispose]());

/** Adds 1 to n, one after the other, each in a commit of its own. */
async function add(id: string, upTo: number, from = 1): Promise<void> {
  for (let by = from; by <= upTo; by += 1)
    await deployment.client.agent('counter', id).call({ type: 'add', by }, { id: `add-${by}` });
}

function added(commits: readonly PastCommit[]): unknown[] {
  return commits.flatMap(({ events }) => events.map(({ payload }) => (payload as { by: number }).by));
}

async function take(commits: AsyncIterable<PastCommit>, count: number): Promise<PastCommit[]> {
  const taken: PastCommit[] = [];
  for await (const commit of commits) if (taken.push(commit) === count) break;
  return taken;
}

test('history is read page by page, oldest first, of one agent, a type or all, and wakes nobody', async () => {
  const { client } = deployment;
  await add('paged', 5);
  await eventually(async () => (await client.history('counter/paged')).commits.length).toBe(5);
  const before = await client.inspect('counter/paged');

  const first = await client.history('counter/paged', { limit: 3 });
  const second = await client.history('counter/paged', { after: first.next });
  const end = await client.history('counter/paged', { after: second.next });

  expect(added(first.commits)).toEqual([1, 2, 3]);
  expect(added(second.commits)).toEqual([4, 5]);
  expect(end).toEqual({ commits: [], next: second.next });
  expect(first.commits[0]).toMatchObject({
    address: 'counter/paged',
    state: 'open',
    turn: 1,
    events: [{ id: 'add-1' }],
  });
  expect(added((await client.history('counter/*')).commits)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5]));
  expect((await client.history('other/*')).commits).toEqual([]);
  expect(await client.inspect('counter/paged')).toEqual(before);
});

test('a follower gets every commit once and in order, resumes after a sequence, and ends with its signal', async () => {
  const { client } = deployment;
  await add('followed', 3);
  const ended = new AbortController();
  const seen: PastCommit[] = [];
  const following = (async () => {
    for await (const commit of client.follow('counter/followed', { after: 0, signal: ended.signal })) seen.push(commit);
  })();
  await eventually(() => added(seen)).toEqual([1, 2, 3]);

  await add('followed', 60, 4);
  await eventually(() => seen.length).toBe(60);
  ended.abort();
  await following;

  expect(added(seen)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  const resumed = await take(client.follow('counter/followed', { after: seen[9]?.seq ?? 0 }), 50);
  expect(added(resumed)).toEqual(Array.from({ length: 50 }, (_, i) => i + 11));
});

test('a follower without a sequence begins now', async () => {
  const { client } = deployment;
  await add('now', 2);
  await eventually(async () => (await client.history('counter/now')).commits.length).toBe(2);
  const taken: PastCommit[] = [];
  const following = take(client.follow('counter/now'), 1).then((commits) => taken.push(...commits));

  for (let by = 3; taken.length === 0; by += 1) await add('now', by, by);
  await following;

  expect(added(taken)[0]).toBeGreaterThan(2);
});

test.each([
  ['history', { after: -1 }],
  ['history', { limit: 0 }],
  ['history', { limit: 1_001 }],
] as const)('%s refuses %o', async (_what, options) => {
  expect(await failure(deployment.client.history('counter/x', options))).toMatchObject({ code: 'INVALID_OPTION' });
});
