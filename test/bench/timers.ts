/**
 * Benchmarks of timers: how fast they are armed, how late they come while many more are pending, and how long
 * ten thousand take that fell due while everything was down.
 */
import { createClient } from '@wakebus/client';
import { type AnyAgentDefinition, defineAgent } from '@wakebus/core';
import { startNatsServer } from '@wakebus/nats-server';
import { type PlacementNode, connectNats, startPlacementNode } from '@wakebus/placement-node';
import { enqueueActions, setup } from 'xstate';
import { inFlight } from './in-flight.ts';
import { type Row, figure, quantile, within } from './rows.ts';

const HOUR_MS = 3_600_000;
const PENDING = { agents: 2_000, each: 50 } as const;
const DUE = { agents: 1_000, each: 10 } as const;
/** Timers whose lateness is measured fall due over this time, in milliseconds. */
const SPREAD_MS = 10_000;

interface ArmEvent {
  readonly type: 'arm';
  readonly atMs: readonly number[];
}

/** An agent that arms as many delayed events as it is told, and says when each came. */
function clock(onDue: (name: string, lateMs: number) => void): AnyAgentDefinition {
  const machine = setup({
    types: { context: {} as { id: string }, events: {} as ArmEvent | { type: 'due'; atMs: number; n: number } },
  }).createMachine({
    context: ({ input }) => ({ id: input as string }),
    on: {
      arm: {
        actions: enqueueActions(({ event, enqueue }) => {
          const nowMs = Date.now();
          for (const [n, atMs] of event.atMs.entries())
            enqueue.raise({ type: 'due', atMs, n }, { id: `${atMs}.${n}`, delay: atMs - nowMs });
        }),
      },
      due: {
        actions: ({ context, event }) => onDue(`${context.id}.${event.atMs}.${event.n}`, Date.now() - event.atMs),
      },
    },
  });
  return defineAgent({ type: 'clock', machine, input: ({ id }: { id: string }) => id, sleep: { afterMs: 0 } } as never);
}

/** How often each timer came, and how late. */
class Fires {
  readonly counts = new Map<string, number>();
  readonly lateMs: number[] = [];
  #onCount: { readonly count: number; readonly resolve: () => void } | undefined;

  readonly add = (name: string, lateMs: number): void => {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.lateMs.push(lateMs);
    if (this.lateMs.length === this.#onCount?.count) this.#onCount.resolve();
  };

  /** Resolves when so many have come. */
  reach(count: number): Promise<void> {
    if (this.lateMs.length >= count) return Promise.resolve();
    return new Promise((resolve) => (this.#onCount = { count, resolve }));
  }

  clear(): void {
    this.counts.clear();
    this.lateMs.length = 0;
  }
}

export async function timerRows(): Promise<Row[]> {
  await using server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  const fires = new Fires();
  const start = (over: typeof connection = connection): Promise<PlacementNode> =>
    startPlacementNode({ connection: over, agents: [clock(fires.add)], history: false });
  let node = await start();
  const client = await createClient(connection);
  const arm = async (prefix: string, agents: number, times: (i: number) => readonly number[]): Promise<void> => {
    const handles = Array.from({ length: agents }, (_, i) => client.agent('clock', `${prefix}${i}`));
    await inFlight(handles, 200, async (handle, i) => {
      await handle.call({ type: 'arm', atMs: times(i) });
    });
    await node.drain();
    node = await start();
  };

  const startedMs = performance.now();
  const farMs = Date.now() + HOUR_MS;
  await arm('far', PENDING.agents, () => Array.from({ length: PENDING.each }, (_, n) => farMs + n));
  const armedPerSecond = (PENDING.agents * PENDING.each * 1_000) / (performance.now() - startedMs);

  const fromMs = Date.now() + 4_000;
  await arm('near', DUE.agents, (i) => [fromMs + (i * SPREAD_MS) / DUE.agents, fromMs + SPREAD_MS - i].map(Math.round));
  await fires.reach(2 * DUE.agents);
  const lateMs = quantile(fires.lateMs, 0.99);

  fires.clear();
  const dueMs = Date.now() + 6_000;
  await arm('down', DUE.agents, () => Array.from({ length: DUE.each }, (_, n) => dueMs + n));
  if (fires.lateMs.length > 0) throw new Error('timers came before everything was down: this machine is too slow');
  node.close();
  const [natsServer] = server.servers;
  await natsServer?.kill();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs + DUE.each - Date.now())));
  await natsServer?.restart();
  const upMs = performance.now();
  const anew = await connectNats({ servers: server.url });
  node = await start(anew);
  await fires.reach(DUE.agents * DUE.each);
  const tookMs = performance.now() - upMs;
  await node.drain();
  const doubled = fires.lateMs.length - fires.counts.size;
  await Promise.all([anew.close(), connection.close()]);
  return [
    { ...figure('timers-armed', '1/s', armedPerSecond), target: '>= 8000 1/s', met: armedPerSecond >= 8_000 },
    within('timer-lateness-p99-100000-pending', 'ms', lateMs, 1_000),
    figure('timers-10000-due-while-down', 'ms', tookMs),
    within('timers-10000-doubled', 'timers', doubled, 0),
  ];
}
