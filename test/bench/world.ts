/**
 * What a benchmark runs in: one server, and in this process one placement node and one client on one
 * connection, as the floor has them and as a service does that embeds agents and calls them.
 */
import { readFile } from 'node:fs/promises';
import { type Client, createClient } from '@wakebus/client';
import { defineAgent, reply, sendToAgent, sleepNow } from '@wakebus/core';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import {
  type DeploymentOptions,
  type PlacementNode,
  type PlacementNodeOptions,
  connectNats,
  createDeployment,
  startPlacementNode,
} from '@wakebus/placement-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Row } from './rows.ts';
import { assign, setup } from 'xstate';

/** A counter whose state is padded to a size. */
export function counterAgent(
  type: string,
  contextBytes: number,
  sleepAfterMs: number,
  mode: 'stop' | 'pause' = 'stop',
): ReturnType<typeof defineAgent> {
  const machine = setup({
    types: {
      context: {} as { n: number; pad: string },
      events: {} as { type: 'add'; by: number } | { type: 'hop'; left: number } | { type: 'rest' },
    },
  }).createMachine({
    context: { n: 0, pad: 'x'.repeat(contextBytes) },
    on: {
      add: {
        actions: [assign({ n: ({ context, event }) => context.n + event.by }), reply(({ context }) => context.n)],
      },
      rest: { actions: [assign({ n: ({ context }) => context.n + 1 }), sleepNow()] },
      hop: [
        { guard: ({ event }) => event.left === 0, actions: assign({ n: ({ context }) => context.n + 1 }) },
        {
          actions: [
            assign({ n: ({ context }) => context.n + 1 }),
            sendToAgent(
              ({ event }) => `${type}/hop-${event.left - 1}`,
              ({ event }) => ({ type: 'hop', left: event.left - 1 }),
            ),
          ],
        },
      ],
    },
  });
  return defineAgent({ type, machine, sleep: { afterMs: sleepAfterMs, mode } });
}

/** Everything that runs. */
export interface World {
  readonly server: NatsServers;
  readonly connection: NatsConnection;
  readonly client: Client;
  /** Calls back once a commit of this agent is confirmed. */
  onCommit: (key: string) => void;
  /** CPU of this process and of the server, in microseconds. */
  cpu(): Promise<{ readonly node: number; readonly server: number }>;
  /** A client on a connection of its own. */
  connectClient(): Promise<AsyncDisposable & { readonly client: Client }>;
  restartNode(options?: Partial<PlacementNodeOptions>): Promise<PlacementNode>;
  stop(): Promise<void>;
}

/** Ten minutes: agents stay in memory for the whole of a measurement. */
const AWAKE_MS = 600_000;

export interface WorldOptions extends DeploymentOptions {
  readonly syncAlways?: boolean;
  readonly node?: Partial<PlacementNodeOptions>;
}

/** Starts a world on an own server, or on `server` under another prefix. */
export async function startWorld(options: WorldOptions = {}, shared?: NatsServers): Promise<World> {
  const { syncAlways = false, node: nodeOptions, ...deployment } = options;
  const server = shared ?? (await startNatsServer(syncAlways ? { syncInterval: 'always' } : {}));
  const connection = await connectNats({ servers: server.url });
  await createDeployment(connection, deployment);
  const prefix = deployment.prefix === undefined ? {} : { prefix: deployment.prefix };
  let node: PlacementNode | undefined;
  const agents = [
    counterAgent('counter', 700, AWAKE_MS),
    counterAgent('pausing', 700, AWAKE_MS, 'pause'),
    counterAgent('big16', 16_000, AWAKE_MS),
    counterAgent('big128', 128_000, AWAKE_MS),
  ];
  const world: World = {
    server,
    connection,
    client: await createClient(connection, prefix),
    onCommit: () => {},
    cpu: async () => ({ node: ownCpu(), server: await serverCpu(server) }),
    connectClient: async () => {
      const outside = await connectNats({ servers: server.url });
      return { client: await createClient(outside, prefix), [Symbol.asyncDispose]: () => outside.close() };
    },
    restartNode: async (extra = {}) => {
      await node?.drain();
      node = await startPlacementNode({
        connection,
        agents,
        log: {
          info: () => {},
          warn: (message, facts) => void process.stderr.write(`${message} ${JSON.stringify(facts)}\n`),
        },
        probes: { afterCommit: (key) => world.onCommit(key) },
        ...prefix,
        ...nodeOptions,
        ...extra,
      });
      return node;
    },
    stop: async () => {
      await node?.drain();
      await connection.close();
      if (shared === undefined) await server.stop();
    },
  };
  await world.restartNode();
  return world;
}

/**
 * Runs something that takes so many turns.
 *
 * @returns its result, and the CPU of this process and of the server, in milliseconds for each 1,000 turns.
 */
export async function withCpu<T>(
  world: World,
  turns: number | ((result: T) => number),
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: Required<Pick<Row, 'cpuNodeMs' | 'cpuServerMs'>> }> {
  const before = await world.cpu();
  const result = await run();
  const after = await world.cpu();
  const count = typeof turns === 'number' ? turns : turns(result);
  const cpuNodeMs = Math.round((after.node - before.node) / count);
  return { result, cpu: { cpuNodeMs, cpuServerMs: Math.round((after.server - before.server) / count) } };
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** From /proc; 0 where there is none. A clock tick is 10 ms on every Linux that we know. */
async function serverCpu(server: NatsServers): Promise<number> {
  try {
    const stat = await readFile(`/proc/${server.servers[0]?.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return 0;
  }
}
