import { createClient } from '@wakebus/client';
import { connectNats } from '@wakebus/placement-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type TestDeployment, failure, startDeployment } from './deployment.ts';

let deployment: TestDeployment<{ counter: typeof counter }>;

beforeAll(async () => {
  deployment = await startDeployment();
  await deployment.startNode([counter]);
});

afterAll(() => deployment[Symbol.asyncDispose]());

test('answers after the commit, with what the machine replied', async () => {
  const ada = deployment.client.agent('counter', 'ada');

  expect(await ada.call({ type: 'add', by: 2 })).toBe(2);
  expect(await ada.call({ type: 'add', by: 3 })).toBe(5);
  expect((await deployment.client.inspect(counter, 'ada'))?.context.total).toBe(5);
});

test('answers nothing when the machine took the event and said nothing', async () => {
  expect(await deployment.client.agent(counter, 'silent').call({ type: 'rest' })).toBeUndefined();
});

test('asked again under its ID, also by another process, it is answered as the first time', async () => {
  const other = await deployment.anotherClient();
  const first = await deployment.client.agent('counter', 'again').call({ type: 'add', by: 1 }, { id: 'once' });

  const again = await deployment.client.agent('counter', 'again').call({ type: 'add', by: 1 }, { id: 'once' });
  const elsewhere = await other.agent('counter', 'again').call({ type: 'add', by: 1 }, { id: 'once' });

  expect([first, again, elsewhere]).toEqual([1, 1, 1]);
});

test('is answered from the record when the answer itself is lost', async () => {
  const connection = await connectNats({ servers: deployment.server.url });
  const client = await createClient<{ counter: typeof counter }>(connection);
  const subscribe = connection.subscribe.bind(connection);
  // The client has made its subscription for acknowledgements; the next one is that for answers.
  connection.subscribe = (subject, options) => subscribe(subject, { ...options, callback: () => {} });

  const value = await client.agent('counter', 'lossy').call({ type: 'add', by: 1 });

  expect(value).toBe(1);
  await connection.close();
});

test('tells why the agent refused', async () => {
  const error = await failure(deployment.client.agent('counter', 'ada').call({ type: 'decline', why: 'it is Sunday' }));

  expect(error).toMatchObject({
    code: 'AGENT_REFUSED',
    facts: { address: 'counter/ada', reason: 'it is Sunday', detail: { hint: 'ask later' } },
  });
});

test('tells that the machine knows no such event', async () => {
  const untyped = deployment.client.agent({ type: 'counter' }, 'ada');

  expect((await failure(untyped.call({ type: 'dance' }))).code).toBe('EVENT_UNKNOWN');
});

test('tells that an event was given up, and again when asked again', async () => {
  const agent = deployment.client.agent('counter', 'fragile');

  const first = await failure(agent.call({ type: 'explode' }, { id: 'boom' }));
  const second = await failure(agent.call({ type: 'explode' }, { id: 'boom' }));

  expect([first, second]).toMatchObject([{ code: 'DEAD_LETTERED' }, { code: 'DEAD_LETTERED' }]);
  expect(await agent.call({ type: 'add', by: 1 })).toBe(1);
});

test('tells that the agent has completed', async () => {
  const agent = deployment.client.agent('counter', 'done');
  await agent.call({ type: 'finish' });

  expect((await failure(agent.call({ type: 'add', by: 1 }))).code).toBe('AGENT_COMPLETED');
});

test('gives a large answer once, and says afterwards that it is gone', async () => {
  const agent = deployment.client.agent('counter', 'large');

  expect(await agent.call({ type: 'long', bytes: 5_000 }, { id: 'big' })).toHaveLength(5_000);
  expect((await failure(agent.call({ type: 'long', bytes: 5_000 }, { id: 'big' }))).code).toBe('REPLY_EXPIRED');
});

test('times out with the ID to ask again by, and is answered when the agent gets to run', async () => {
  await using later = await startDeployment<{ counter: typeof counter }>();
  const agent = later.client.agent('counter', 'late');

  const error = await failure(agent.call({ type: 'add', by: 7 }, { deadlineMs: 1_000 }));
  expect(error.code).toBe('CALL_TIMEOUT');
  await later.startNode([counter]);

  const { messageId } = error.facts as { messageId: string };
  expect(await agent.call({ type: 'add', by: 7 }, { id: messageId })).toBe(7);
});

test('a thousand calls at once each get their own answer', async () => {
  const values = await Promise.all(
    Array.from({ length: 1_000 }, async (_, i) => {
      const agent = deployment.client.agent('counter', `many-${i % 100}`);
      await agent.call({ type: 'add', by: 1 });
      return i;
    }),
  );
  const totals = await Promise.all(
    Array.from({ length: 100 }, (_, i) => deployment.client.agent('counter', `many-${i}`).call({ type: 'tell' })),
  );

  expect(values).toHaveLength(1_000);
  expect(totals).toEqual(Array.from({ length: 100 }, () => ({ total: 10 })));
});

test('a closed client leaves no caller waiting', async () => {
  await using idle = await startDeployment<{ counter: typeof counter }>();
  const { client } = idle;
  const receipt = await client.agent('counter', 'x').send({ type: 'tell' });
  const waiting = failure(client.agent('counter', 'x').call({ type: 'tell' }, { id: receipt.messageId }));

  client.close();

  expect(['CALL_TIMEOUT', 'OUTCOME_UNKNOWN']).toContain((await waiting).code);
});
