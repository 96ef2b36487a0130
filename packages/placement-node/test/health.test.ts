/** What a placement node says of itself when its server freezes: neither an error nor an answer comes then. */
import { expect, test } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();

/** Resolves once the server answers no more: a signal to stop may reach a busy machine's process a moment late. */
async function silenceOf(connection: Connection): Promise<void> {
  const answers = async (): Promise<boolean> => {
    const answered = connection.flush().then(() => true);
    return Promise.race([answered, delay(300, false)]);
  };
  while (await answers());
}

test('a commit without an answer, and then the lost lease, are in the health until the server answers', async () => {
  const bus = await deploy();
  const [server] = bus.server.servers;
  let freezes = false;
  const freeze = async (): Promise<void> => {
    await server?.kill('SIGSTOP');
    await silenceOf(bus.connection);
  };
  const node = await bus.startNode({ probes: { beforeCommit: () => (freezes ? freeze() : undefined) } });
  await bus.list('a').call({ type: 'add', item: 1 });
  await bus.list('idle').call({ type: 'add', item: 1 });
  expect(node.health()).toEqual({ ok: true, problems: [] });

  freezes = true;
  await bus.list('a').send({ type: 'add', item: 2 });

  const codes = (): string[] => node.health().problems.map(({ code }) => code);
  await eventually(() => expect(codes()).toContain('COMMITS_UNANSWERED'));
  await eventually(() => expect(codes()).toContain('LEASE_LOST'));
  expect(node.health()).toMatchObject({ ok: false, problems: expect.arrayContaining([expect.anything()]) });
  expect(bus.logs.map(({ facts }) => facts['code'])).toContain('COMMITS_UNANSWERED');

  freezes = false;
  await server?.kill('SIGCONT');
  await eventually(() => expect(node.health()).toEqual({ ok: true, problems: [] }));
  await eventually(async () => expect(await bus.items('a')).toEqual([1, 2]));
  // Its session went with the lease, and no message will ever come.
  await eventually(async () => expect((await bus.record('idle')).lease.holder).toBe(''));
});
