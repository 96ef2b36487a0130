/** `GET /backlog`: how much waits for the placement nodes of a pool, for whoever decides how many there are. */
import { WakebusError } from '@wakebus/protocol';
import { type Grant, allowPattern } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';

const DEFAULT_POOL = 'default';
const POOL = /^[A-Za-z0-9_-]{1,64}$/;

/** Counted anew at each request. A token for some agents learns nothing of the others. */
export async function backlog({ backlog: waiting }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  allowPattern(grant, 'read', '*');
  const pool = call.req.query('pool') ?? DEFAULT_POOL;
  if (!POOL.test(pool)) throw new WakebusError('INVALID_OPTION', { option: 'pool', why: 'it is no name of a pool' });
  return json({ pool, messages: await waiting.messages(pool) }, 200, { 'Cache-Control': 'no-store' });
}
