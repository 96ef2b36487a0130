/**
 * Dead letters and held messages: `GET /dead-letters`, `/dead-letters/:letter`, `/held`, `/held/:message`, and what
 * operators do to them. Looking wakes nobody.
 *
 * A letter that a caller's token is not for is, to that caller, not there.
 */
import type { ParkedDetail, ParkedOptions } from '@wakebus/client';
import { WakebusError, addressOf } from '@wakebus/protocol';
import { type Grant, type Verb, allowPattern, covers } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { allowAction, reasonedOptions } from '../operator.ts';
import { keyOf, readWhole } from './look.ts';

const ACCEPTED = 202;
const NO_CONTENT = 204;

type Place = 'deadLetters' | 'held';

/** A page of dead letters: `?agent=`, `?type=`, `?code=`. */
export function listDeadLetters(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  return list(context, call, grant, 'deadLetters');
}

/** A page of messages that stand aside. */
export function listHeld(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  return list(context, call, grant, 'held');
}

/** One letter, with its payload and headers. */
export async function showDeadLetter(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  return json(await find(context, grant, { place: 'deadLetters', id: numberOf(call, 'letter'), verb: 'read' }));
}

/** One held message, with its payload and headers. */
export async function showHeld(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  return json(await find(context, grant, { place: 'held', id: numberOf(call, 'message'), verb: 'read' }));
}

/** `POST /dead-letters/:letter/replay`, with `{reason?}`: the letter's event once more. */
export async function replay(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const id = numberOf(call, 'letter');
  const { address, key } = await find(context, grant, { place: 'deadLetters', id });
  allowAction(context, grant, 'replay', key);
  const options = await reasonedOptions(context, call, grant);
  const { messageId, seq, duplicate } = await context.client.deadLetters.replay(id, options);
  return json({ agent: address, messageId, seq, duplicate }, ACCEPTED);
}

/** `DELETE /dead-letters/:letter`, with `{reason?}`: thrown away for good. */
export async function discard(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const id = numberOf(call, 'letter');
  const { key } = await find(context, grant, { place: 'deadLetters', id });
  allowAction(context, grant, 'discard', key);
  const options = await reasonedOptions(context, call, grant);
  await context.client.deadLetters.discard(id, options);
  return new Response(null, { status: NO_CONTENT });
}

/** `DELETE /agents/:type/:id/held`, with `{reason?}`: all that waits for an agent which takes no events. */
export async function clearHeld(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAction(context, grant, 'clear', key);
  const options = await reasonedOptions(context, call, grant);
  await context.waiting(grant, () => context.client.held.clear(addressOf(key), options));
  return new Response(null, { status: NO_CONTENT });
}

async function list({ client }: GatewayContext, call: Call, grant: Grant, place: Place): Promise<Response> {
  const { agent, type, code, cursor } = call.req.query();
  const pageSize = readWhole(call, 'limit');
  const options: ParkedOptions = {
    ...whose(grant, agent, type),
    ...(code !== undefined && { code }),
    ...(cursor !== undefined && { cursor }),
    ...(pageSize !== undefined && { pageSize }),
  };
  return json(await client[place].list(options));
}

/** Of whom: what is asked for or, without that, what the token is for. @throws {WakebusError} `FORBIDDEN`, `INVALID_ADDRESS`. */
export function whose(
  grant: Grant,
  agent: string | undefined,
  type: string | undefined,
): { readonly agent?: string; readonly type?: string } {
  const asked = agent ?? (type === undefined ? grant.target : `${type}/*`);
  allowPattern(grant, 'read', asked);
  if (asked === '*') return {};
  return asked.endsWith('/*') ? { type: asked.slice(0, -2) } : { agent: asked };
}

interface Sought {
  readonly place: Place;
  readonly id: number;
  /** Asked for at once; an operator's action is judged, and written down, by whoever acts. */
  readonly verb?: Verb;
}

/** @throws {WakebusError} `PARKED_NOT_FOUND`, also where it is of an agent that the token is not for; `FORBIDDEN`. */
async function find({ client }: GatewayContext, grant: Grant, { place, id, verb }: Sought): Promise<ParkedDetail> {
  if (verb !== undefined && !grant.verbs.includes(verb))
    throw new WakebusError('FORBIDDEN', { verb, what: `message ${id}` });
  const found = await client[place].get(id);
  if (covers(grant, found.key)) return found;
  throw new WakebusError('PARKED_NOT_FOUND', { id, where: place === 'held' ? 'held messages' : 'dead letters' });
}

function numberOf(call: Call, name: string): number {
  const text = call.req.param(name) ?? '';
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new WakebusError('INVALID_OPTION', { option: name, why: 'write the number that a list shows' });
}
