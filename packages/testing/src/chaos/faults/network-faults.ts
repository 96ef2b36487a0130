/**
 * Cuts between servers, placement nodes and clients: both ways, one way, or replies only.
 */
import type { ServerHandle } from '@wakebus/nats-server';
import type { AttachedNode } from '../cluster.ts';
import type { Flow, Link } from '../link.ts';
import { pause } from '../patience.ts';
import type { Fault, Stage, Strike } from './fault.ts';
import { untilAgentsRun } from './recovery.ts';
import { caughtUp } from './server-faults.ts';

/** Cuts in milliseconds: shorter and longer than a request waits, and than a server is missed for. */
const CUTS_MS = [800, 2_500, 5_000, 7_000] as const;

export const networkFaults: readonly Fault[] = [
  { kind: 'partition of one server', strike: isolateServer },
  { kind: 'partition of halves', strike: halve },
  { kind: 'partition, one way', strike: oneWay },
  { kind: 'replies to a node dropped', strike: dropRepliesToNode },
  { kind: 'replies to a client dropped', strike: dropRepliesToClient },
  { kind: 'partition of one node', strike: isolateNode },
  { kind: 'connections reset', strike: reset },
];

function chooseServer({ cluster, prng }: Stage): ServerHandle {
  const { servers } = cluster.servers;
  return servers[prng.below(servers.length)] as ServerHandle;
}

function chooseNode({ cluster, prng }: Stage): AttachedNode {
  return cluster.nodes[prng.below(cluster.nodes.length)] as AttachedNode;
}

/** Half of all cuts meet the leader: it is the one that matters. */
async function leaderOrAny(stage: Stage): Promise<ServerHandle> {
  if (stage.prng.fraction() < 0.5) return chooseServer(stage);
  return stage.cluster.leaderOf(stage.cluster.ports.layout.inboxStream(0));
}

/** Cuts, waits, heals, and measures from there. @param loses - What was held up never arrives. */
async function cut(
  stage: Stage,
  met: string,
  links: readonly (readonly [Link, Flow])[],
  loses = false,
): Promise<Strike> {
  const forMs = CUTS_MS[stage.prng.below(CUTS_MS.length)] as number;
  for (const [link, flow] of links) link.pass(flow);
  await pause(forMs);
  for (const [link] of links) {
    if (loses) link.lose();
    link.pass('both');
  }
  const recoverMs = await untilAgentsRun(stage);
  await caughtUp(stage);
  return { met: `${met} for ${forMs / 1000} s`, recoverMs, recovers: 'all' };
}

function closed(links: readonly Link[], flow: Flow = 'neither'): (readonly [Link, Flow])[] {
  return links.map((link) => [link, flow] as const);
}

/** One server hears no other, and clients and placement nodes still reach it. */
async function isolateServer(stage: Stage): Promise<Strike> {
  const server = await leaderOrAny(stage);
  return cut(stage, server.name, closed(stage.cluster.routesOf(server)));
}

/** On one side a server, a node and a client; on the other all else. */
async function halve(stage: Stage): Promise<Strike> {
  const { cluster, clients } = stage;
  const server = await leaderOrAny(stage);
  const at = cluster.servers.servers.indexOf(server);
  const [node, ...nodes] = cluster.nodes;
  const [client, ...others] = clients;
  const here = [node, client].flatMap((attached) => attached?.links.filter((_, i) => i !== at) ?? []);
  const there = [...nodes, ...others].flatMap(({ links }) => links.filter((_, i) => i === at));
  const links = [...cluster.routesOf(server), ...here, ...there];
  return cut(stage, `${server.name}, ${node?.process.name} and ${client?.name} from the rest`, closed(links));
}

/** A server is heard by the others and hears none of them, or the other way round. */
async function oneWay(stage: Stage): Promise<Strike> {
  const server = await leaderOrAny(stage);
  const { out, into } = stage.cluster.routesFrom(server);
  const hears = stage.prng.fraction() < 0.5;
  const links = [...closed(out, hears ? 'replies' : 'requests'), ...closed(into, hears ? 'requests' : 'replies')];
  return cut(stage, `${server.name} ${hears ? 'is not heard' : 'hears nobody'}`, links);
}

async function dropRepliesToNode(stage: Stage): Promise<Strike> {
  const node = chooseNode(stage);
  return cut(stage, node.process.name, closed(node.links, 'requests'), true);
}

async function dropRepliesToClient(stage: Stage): Promise<Strike> {
  const client = stage.clients[stage.prng.below(stage.clients.length)] as Stage['prober'];
  return cut(stage, client.name, closed(client.links, 'requests'), true);
}

async function isolateNode(stage: Stage): Promise<Strike> {
  const node = chooseNode(stage);
  return cut(stage, node.process.name, closed(node.links));
}

/** Every connection of nodes and clients ends at once, with all that is on its way. */
async function reset(stage: Stage): Promise<Strike> {
  const links = [...stage.cluster.nodes, ...stage.clients].flatMap((attached) => attached.links);
  for (const link of links) link.lose();
  return { met: `${links.length} links`, recoverMs: await untilAgentsRun(stage), recovers: 'all' };
}
