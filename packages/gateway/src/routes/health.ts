/** `/health`: the process lives. `/ready`: it can store events. Both without a token, and both also by HEAD. */
import { isWakebusError } from '@wakebus/protocol';
import type { GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';

const UNAVAILABLE = 503;

export function health(): Response {
  return json({ status: 'ok' }, 200, { 'Cache-Control': 'no-store' });
}

/**
 * Asks the server each time: what was true a moment ago is what an orchestrator knows already.
 *
 * What else does not work in this process is named, and takes no gateway out: each of them would go, and none helps.
 */
export async function ready({ client, signal, degraded }: GatewayContext): Promise<Response> {
  if (signal.aborted) return notReady('draining');
  try {
    await client.history('*', { after: Number.MAX_SAFE_INTEGER - 2, limit: 1 });
    const faults = degraded();
    return json({ status: 'ready', ...(faults.length > 0 && { degraded: faults }) }, 200, {
      'Cache-Control': 'no-store',
    });
  } catch (error) {
    if (!isWakebusError(error)) throw error;
    return notReady(error.code);
  }
}

function notReady(why: string): Response {
  return json({ status: 'not ready', why }, UNAVAILABLE, { 'Cache-Control': 'no-store', 'Retry-After': '2' });
}
