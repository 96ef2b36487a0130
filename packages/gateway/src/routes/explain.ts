/** `GET /explain` and `GET /audit`: why agents woke, and what operators did. From what is kept; both wake nobody. */
import type { AuditOptions, ChainStep } from '@wakebus/client';
import { WakebusError, checkAgentType, parseAddress } from '@wakebus/protocol';
import { type Grant, allowAgent, allowPattern, covers } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { readWhole } from './look.ts';

/** Steps of one chain: an answer, and what is read for it, must end. */
const MOST_STEPS = 1_000;

/**
 * `GET /explain?target=`: a chain of wakes as a tree. The target is an agent (its last wake), `<agent>#<sequence>`, a
 * message ID or a trace ID.
 *
 * A message or trace ID is sought in everybody's history, and a chain goes where it goes: a token that is not for
 * all agents gets only chains that stay within what it is for.
 */
export async function explain(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const target = call.req.query('target') ?? '';
  if (target === '') throw new WakebusError('INVALID_OPTION', { option: 'target', why: 'say what to explain' });
  if (target.includes('/')) allowAgent(grant, 'read', parseAddress(target.replace(/#\d+$/, '')));
  else allowPattern(grant, 'read', '*');
  const limit = Math.min(readWhole(call, 'limit') ?? MOST_STEPS, MOST_STEPS);
  const chain = await context.waiting(grant, () => context.client.explain(target, { limit }));
  if (chain === undefined) throw new WakebusError('NOT_IN_HISTORY', { target: target.slice(0, 200) });
  if (!staysWithin(grant, chain.root))
    throw new WakebusError('FORBIDDEN', { verb: 'read', what: 'all agents of this chain' });
  return json(chain);
}

function staysWithin(grant: Grant, step: ChainStep): boolean {
  return covers(grant, step.key) && step.caused.every((next) => staysWithin(grant, next));
}

/** `GET /audit`: a page of what operators did, or the newest of it (`?last=`); of one agent, with a type's name of that type as a whole, or with a path what that endpoint refused (`?target=`). */
export async function audit({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const { target = targetOf(grant), cursor } = call.req.query();
  if (target === undefined) allowPattern(grant, 'read', '*');
  else if (target.startsWith('/')) allowPattern(grant, 'read', '*');
  else allowPattern(grant, 'read', target.includes('/') ? target : `${checkAgentType(target)}/*`);
  const [pageSize, last] = [readWhole(call, 'limit'), readWhole(call, 'last')];
  const options: AuditOptions = {
    ...(target !== undefined && { target }),
    ...(cursor !== undefined && { cursor }),
    ...(pageSize !== undefined && { pageSize }),
    ...(last !== undefined && { last }),
  };
  return json(await client.audit(options));
}

/** What a token for one agent, or for one type, sees without asking for more. */
function targetOf({ target }: Grant): string | undefined {
  if (target === '*') return undefined;
  return target.endsWith('/*') ? target.slice(0, -2) : target;
}
