/**
 * Looking at a deployment as a whole: `GET /overview`, `/nodes`, `/timers`, `/channels`, `/incidents`, and at the
 * caller's own token: `/whoami`. Wakes nobody.
 */
import { type AgentTimer, type IncidentListOptions, byType } from '@wakebus/client';
import { WakebusError, incidentKinds } from '@wakebus/protocol';
import { type Grant, allowPattern } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { readWhole } from './look.ts';
import { whose } from './parked.ts';

/** More are in no answer: nobody reads them. */
const MOST_TIMERS = 1_000;

/** How many agents are how, who needs someone, what waits, who is at work, what woke agents of late. */
export async function overview({ client, deployment }: GatewayContext, _call: Call, grant: Grant): Promise<Response> {
  allowPattern(grant, 'read', '*');
  const [agents, wakes, nodes, pending, streams] = await Promise.all([
    deployment.census.get(),
    deployment.wakes.get(),
    client.nodes(),
    deployment.pending.get(),
    deployment.streams.get(),
  ]);
  const { prefix, partitions, shards, deadLettersStream } = client.layout;
  return json({
    atMs: Date.now(),
    deployment: { prefix, partitions, shards },
    agents,
    wakes,
    nodes,
    pending: Object.fromEntries(byType(pending)),
    streams,
    deadLetters: { count: streams.find(({ stream }) => stream === deadLettersStream)?.messages ?? 0 },
  });
}

/** Placement nodes, what waits for which type, and the streams. */
export async function listNodes({ client, deployment }: GatewayContext, _call: Call, grant: Grant): Promise<Response> {
  allowPattern(grant, 'read', '*');
  const [nodes, pending, streams] = await Promise.all([
    client.nodes(),
    deployment.pending.get(),
    deployment.streams.get(),
  ]);
  return json({ nodes, pending: Object.fromEntries(byType(pending)), streams });
}

/** What is pending by the clock, soonest first: of all, of a type (`?type=`), of one agent (`?agent=`). */
export async function listTimers(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const { agent, type } = call.req.query();
  const of = whose(grant, agent, type);
  if (Object.keys(of).length === 0) {
    const { timers, isCut } = await context.deployment.census.get();
    return json({ ...timers, isCut });
  }
  return context.waiting(grant, async () => {
    const found: AgentTimer[] = [];
    for await (const timer of context.client.timers.list(of)) if (found.push(timer) === MOST_TIMERS) break;
    const next = found.toSorted((a, b) => a.dueMs - b.dueMs);
    return json({ total: next.length, next, isCut: next.length === MOST_TIMERS });
  });
}

/** The channels that were added. Their secrets are not here, only the names of variables. */
export async function listChannels({ deployment }: GatewayContext, _call: Call, grant: Grant): Promise<Response> {
  allowPattern(grant, 'read', '*');
  return json({ channels: await deployment.channels.get() });
}

/** What operators must hear of: a page of it, or the newest (`?last=`); of a pattern (`?agent=`), of a kind. */
export async function listIncidents({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const { agent: agents = grant.target, kind, cursor } = call.req.query();
  allowPattern(grant, 'read', agents);
  const known = incidentKinds.find((one) => one === kind);
  if (kind !== undefined && known === undefined)
    throw new WakebusError('INVALID_OPTION', { option: 'kind', why: `write one of ${incidentKinds.join(', ')}` });
  const [pageSize, last] = [readWhole(call, 'limit'), readWhole(call, 'last')];
  const options: IncidentListOptions = {
    agents,
    ...(known !== undefined && { kind: known }),
    ...(cursor !== undefined && { cursor }),
    ...(pageSize !== undefined && { pageSize }),
    ...(last !== undefined && { last }),
  };
  return json(await client.incidents.list(options));
}

/** What the caller's token may do: a page asks before it offers anything. */
export function whoAmI(_context: GatewayContext, _call: Call, { id, target, verbs }: Grant): Response {
  return json({ id, target, verbs });
}
