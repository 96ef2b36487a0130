/**
 * Benchmarks with fsync on every write, which is what production means on one server: the same floor,
 * and what shards gain.
 */
import { startNatsServer } from '@wakebus/nats-server';
import { measureFloor } from './measure-floor.ts';
import { type Row, atLeast, atMost, quantile } from './rows.ts';
import { roundsOf, times } from './hot.ts';
import { startWorld, withCpu } from './world.ts';

const ROUNDS = 300;

export async function durableRows(): Promise<Row[]> {
  await using server = await startNatsServer({ syncInterval: 'always' });
  const { floor } = await measureFloor(server.url, 2_000);
  const perSecond: number[] = [];
  let cpuOfLoad: Pick<Row, 'cpuNodeMs' | 'cpuServerMs'> = {};
  const rows: Row[] = [];
  for (const shards of [1, 4]) {
    const world = await startWorld({ prefix: `fsync${shards}`, shards }, server);
    if (shards === 1) {
      const agent = world.client.agent('counter', 'hot');
      const { result, cpu } = await withCpu(world, roundsOf(ROUNDS), () =>
        times(ROUNDS, () => agent.call({ type: 'add', by: 1 })),
      );
      rows.push({ ...atMost('fsync-hot-call-p50', 'ms', quantile(result, 0.5), floor.hotMs, 1.5), ...cpu });
    }
    const load = await withCpu(
      world,
      ({ turns }) => turns,
      () => turnsPerSecond(world.client, 4_000),
    );
    perSecond.push(load.result.perSecond);
    cpuOfLoad = load.cpu;
    await world.stop();
  }
  const [one = 1, four = 0] = perSecond;
  return [...rows, { ...atLeast('fsync-turns-4-shards', '1/s', four, one, 2.5), ...cpuOfLoad }];
}

async function turnsPerSecond(
  client: Awaited<ReturnType<typeof startWorld>>['client'],
  forMs: number,
): Promise<{ readonly turns: number; readonly perSecond: number }> {
  const agents = Array.from({ length: 512 }, (_, i) => client.agent('counter', `load${i}`));
  await Promise.all(agents.map((agent) => agent.call({ type: 'add', by: 1 })));
  let turns = 0;
  const startedMs = performance.now();
  await Promise.all(
    agents.map(async (agent) => {
      while (performance.now() - startedMs < forMs) {
        await agent.call({ type: 'add', by: 1 });
        turns += 1;
      }
    }),
  );
  return { turns, perSecond: turns / ((performance.now() - startedMs) / 1000) };
}
