/**
 * Servers killed, frozen and restarted, the leader of a stream above all.
 */
import type { ServerHandle } from '@wakebus/nats-server';
import { pause } from '../patience.ts';
import type { Fault, Stage, Strike } from './fault.ts';
import { untilAgentsRun, untilWritersWrite } from './recovery.ts';

/** Longer than a leader is missed for before another one is elected, in milliseconds. */
const FREEZE_MS = 6_000;

export const serverFaults: readonly Fault[] = [
  { kind: 'inbox leader killed', strike: (stage) => killLeader(stage, stage.cluster.ports.layout.inboxStream(0)) },
  { kind: 'records leader killed', strike: (stage) => killLeader(stage, recordsStream(stage)) },
  { kind: 'inbox leader stopped', strike: (stage) => freezeLeader(stage, stage.cluster.ports.layout.inboxStream(0)) },
  { kind: 'records leader stopped', strike: (stage) => freezeLeader(stage, recordsStream(stage)) },
  { kind: 'server restarted', strike: restartOne },
  { kind: 'rolling restart', strike: rollingRestart },
  { kind: 'servers killed, all', strike: killAll },
];

/** The stream below the bucket of records. */
export function recordsStream({ cluster }: Stage): string {
  return `KV_${cluster.ports.layout.agentsBucket}`;
}

async function killLeader(stage: Stage, stream: string): Promise<Strike> {
  const leader = await stage.cluster.leaderOf(stream);
  await leader.kill();
  const recoverMs = await untilWritersWrite(stage, stage.clients);
  await untilAgentsRun(stage);
  await leader.restart();
  await caughtUp(stage);
  return { met: `${leader.name} led ${stream}`, recoverMs, recovers: 'writers' };
}

async function freezeLeader(stage: Stage, stream: string): Promise<Strike> {
  const leader = await stage.cluster.leaderOf(stream);
  await leader.kill('SIGSTOP');
  const writing = untilWritersWrite(stage, stage.clients);
  await pause(FREEZE_MS);
  await leader.kill('SIGCONT');
  const recoverMs = await writing;
  await caughtUp(stage);
  return { met: `${leader.name} led ${stream}`, recoverMs, recovers: 'writers' };
}

async function restartOne(stage: Stage): Promise<Strike> {
  const { servers } = stage.cluster.servers;
  const server = servers[stage.prng.below(servers.length)] as ServerHandle;
  const restarted = server.restart();
  const recoverMs = await untilWritersWrite(stage, stage.clients);
  await restarted;
  await caughtUp(stage);
  return { met: server.name, recoverMs, recovers: 'writers' };
}

async function rollingRestart(stage: Stage): Promise<Strike> {
  for (const server of stage.cluster.servers.servers) {
    await server.restart();
    await caughtUp(stage);
  }
  return { met: 'one after the other', recoverMs: await untilAgentsRun(stage), recovers: 'all' };
}

/** A power cut without the cut: what the servers had written is in the machine's memory still. */
async function killAll(stage: Stage): Promise<Strike> {
  const { servers } = stage.cluster.servers;
  await Promise.all(servers.map((server) => server.kill()));
  const startedMs = performance.now();
  await Promise.all(servers.map((server) => server.restart()));
  await untilWritersWrite(stage, stage.clients);
  const recoverMs = performance.now() - startedMs;
  await caughtUp(stage);
  return { met: 'all at once', recoverMs, recovers: 'all' };
}

/** The next fault meets three replicas again: two of three lost at once are more than is promised. */
export async function caughtUp(stage: Stage): Promise<void> {
  const { api, ports } = stage.cluster;
  for (const stream of [ports.layout.inboxStream(0), recordsStream(stage), ports.layout.timersStream(0)])
    await api.current(stream);
}
