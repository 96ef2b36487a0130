/**
 * Benchmark of a crash: the only placement node is killed amid 10,000 queued events and started again.
 */
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment } from '@wakebus/placement-node';
import { NodeProcess } from './node-process.ts';
import { type Row, figure, within } from './rows.ts';

const EVENTS = 10_000;
const AGENTS = 500;

export async function crashRows(): Promise<Row[]> {
  await using server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  await createDeployment(connection);
  const client = await createClient(connection);
  const calm = await run(client, server.url, 'calm', false);
  const crashed = await run(client, server.url, 'crashed', true);
  await connection.close();
  const restMs = (calm.tookMs * (EVENTS - crashed.doneAtKill)) / EVENTS;
  return [
    figure('crash-calm-10000', 'ms', calm.tookMs),
    within('crash-lost-or-doubled', 'events', crashed.wrong + calm.wrong, 0),
    within('crash-caught-up', 'ms', crashed.tookMs - crashed.killedAtMs, 1.3 * restMs + 2_000),
  ];
}

async function run(
  client: Awaited<ReturnType<typeof createClient>>,
  servers: string,
  prefix: string,
  kills: boolean,
): Promise<{ tookMs: number; killedAtMs: number; doneAtKill: number; wrong: number }> {
  const handles = Array.from({ length: AGENTS }, (_, i) => client.agent('counter', `${prefix}${i}`));
  await Promise.all(
    Array.from({ length: EVENTS }, (_, i) =>
      (handles[i % AGENTS] as (typeof handles)[number]).send({ type: 'add', by: 1 }),
    ),
  );
  const setting = { servers, prefix: client.layout.prefix };
  let node = await NodeProcess.start(setting);
  const startedMs = performance.now();
  let killedAtMs = 0;
  let doneAtKill = 0;
  for (;;) {
    const counts = await Promise.all(
      handles.map(
        async ({ address }) => ((await client.inspect(address))?.context as { n: number } | undefined)?.n ?? 0,
      ),
    );
    const done = counts.reduce((sum, n) => sum + n, 0);
    if (kills && killedAtMs === 0 && done >= EVENTS / 10) {
      void node.kill();
      killedAtMs = performance.now() - startedMs;
      doneAtKill = done;
      node = await NodeProcess.start(setting);
    }
    if (done >= EVENTS) {
      const wrong = counts.filter((n) => n !== EVENTS / AGENTS).length;
      void node.kill();
      return { tookMs: performance.now() - startedMs, killedAtMs, doneAtKill, wrong };
    }
  }
}
