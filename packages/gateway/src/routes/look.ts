/** Looking at agents: `GET /agents`, `/agents/:type`, `/agents/:type/:id`, its history, `/types`. Wakes nobody. */
import type { HistoryOptions, ListOptions } from '@wakebus/client';
import { type AgentKey, WakebusError, addressOf, agentKey } from '@wakebus/protocol';
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

/** A page of agents. A grant for one type sees that type. */
export async function list({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
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
  return json(await client.list(options));
}

/** A page of commits: of one agent, or of `?agent=<pattern>`. */
export async function history({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const pattern = patternOf(call);
  allowPattern(grant, 'read', pattern);
  const after = readWhole(call, 'after');
  const limit = readWhole(call, 'limit');
  const options: HistoryOptions = { ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) };
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
