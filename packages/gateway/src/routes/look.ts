/** Looking at agents: `GET /agents`, `/agents/:type`, `/agents/:type/:id`, its history, `/types`. Wakes nobody. */
import type { HistoryOptions, ListOptions } from '@wakebus/client';
import { type AgentKey, WakebusError, addressOf, agentKey, checkAgentType } from '@wakebus/protocol';
import { type Grant, allowAgent, allowPattern } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { openApiOf } from '../openapi.ts';
import { unknownType } from '../registry.ts';

const NOT_MODIFIED = 304;

/** The agent that a path names. @throws {WakebusError} `INVALID_ADDRESS`. */
export function keyOf(call: Call): AgentKey {
  return agentKey(call.req.param('type') ?? '', call.req.param('id') ?? '');
}

/** One agent, decoded, with the revision of its record as entity tag. */
export async function inspect({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'read', key);
  const address = addressOf(key);
  const agent = await client.inspect(address);
  if (agent === undefined) throw new WakebusError('AGENT_NOT_FOUND', { address });
  const headers = { ETag: `"${agent.revision}-${agent.lifecycle.name}-${agent.waiting}"`, 'Cache-Control': 'no-cache' };
  if (call.req.header('if-none-match') === headers.ETag) return new Response(null, { status: NOT_MODIFIED, headers });
  return json(agent, 200, headers);
}

/** A page of agents; with `?waiting` also how many messages wait for each. A grant for one type sees that type. */
export async function list({ client, deployment }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const type = call.req.param('type') ?? call.req.query('type') ?? typeOf(grant);
  allowPattern(grant, 'read', type === undefined ? '*' : `${type}/*`);
  const { lifecycle, cursor } = call.req.query();
  const pageSize = readWhole(call, 'limit');
  const options: ListOptions = {
    ...(type !== undefined && { type }),
    ...(lifecycle !== undefined && { lifecycle: lifecycle as NonNullable<ListOptions['lifecycle']> }),
    ...(cursor !== undefined && { cursor }),
    ...(pageSize !== undefined && { pageSize }),
  };
  const page = await client.list(options);
  if (call.req.query('waiting') === undefined) return json(page);
  const pending = await deployment.pending.get();
  return json({ ...page, agents: page.agents.map((agent) => ({ ...agent, waiting: pending.get(agent.key) ?? 0 })) });
}

/** A page of commits, or the newest (`?last=`): of one agent, or of `?agent=<pattern>`. */
export async function history({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const pattern = patternOf(call);
  allowPattern(grant, 'read', pattern);
  const after = readWhole(call, 'after');
  const limit = readWhole(call, 'limit');
  const last = readWhole(call, 'last');
  const options: HistoryOptions = {
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit }),
    ...(last !== undefined && { last }),
  };
  return json(await client.history(pattern, options));
}

/** A whole number from a query. @throws {WakebusError} `INVALID_OPTION`. */
export function readWhole(call: Call, name: string): number | undefined {
  const text = call.req.query(name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new WakebusError('INVALID_OPTION', { option: name, why: 'write a whole number' });
}

/** The agent of the path, or the pattern of the query. */
export function patternOf(call: Call): string {
  return call.req.param('id') === undefined ? (call.req.query('agent') ?? '*') : addressOf(keyOf(call));
}

/** The types that have been started. */
export async function listTypes({ registry }: GatewayContext, _call: Call, grant: Grant): Promise<Response> {
  const types = [...(await registry.types()).values()].filter(({ type }) => sees(grant, type));
  return json({ types });
}

/** One type, and what operators say of it as a whole. */
export async function showType({ client, registry }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const type = call.req.param('type') ?? '';
  const found = (await registry.types()).get(type);
  if (found === undefined || !sees(grant, type)) throw unknownType(type);
  const disabled = await client.types.disabled(type);
  return json({ ...found, ...(disabled !== undefined && { disabled }) });
}

/** The statechart of a type's newest version, as its placement nodes have stored it. */
export async function showChart({ registry }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const type = call.req.param('type') ?? '';
  const chart = sees(grant, type) ? await registry.chart(checkAgentType(type)) : undefined;
  if (chart === undefined) throw unknownType(type);
  return json(chart);
}

/** How far an agent is with its task: where it stands, what it has behind it, what may come next. */
export async function showTask({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'read', key);
  const task = await client.taskState(addressOf(key));
  if (task === undefined) throw new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) });
  return json(task);
}

/** What may be asked here, with the events of every type that the caller may see. */
export async function openApi({ registry }: GatewayContext, _call: Call, grant: Grant): Promise<Response> {
  return json(openApiOf([...(await registry.types()).values()].filter(({ type }) => sees(grant, type))));
}

function sees({ target }: Grant, type: string): boolean {
  return target === '*' || target.startsWith(`${type}/`);
}

function typeOf({ target }: Grant): string | undefined {
  return target.endsWith('/*') ? target.slice(0, -2) : undefined;
}
