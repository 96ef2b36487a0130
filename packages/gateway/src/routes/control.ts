/** What operators ask of an agent: suspend, release, remove, and their word on an effect. */
import type { ControlOptions } from '@wakebus/client';
import { WakebusError, addressOf, splitKey } from '@wakebus/protocol';
import { type Grant, allowAgent } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { readBody } from '../read-body.ts';
import { readPayload } from '../read-event.ts';
import { readSending } from '../request-headers.ts';
import { keyOf } from './look.ts';

const controls = ['suspend', 'release', 'remove'] as const;
const resolutions = ['done', 'failed', 'retry'] as const;
const DONE = 204;

/** `POST /agents/:type/:id/control/:verb`, with `{reason?}`. Answered when it is done. */
export async function control(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const verb = controls.find((known) => known === call.req.param('verb'));
  if (verb === undefined) throw invalid('verb', `write one of ${controls.join(', ')}`);
  return ask(context, call, grant, verb);
}

/** `DELETE /agents/:type/:id`. */
export function remove(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  return ask(context, call, grant, 'remove');
}

async function ask(
  context: GatewayContext,
  call: Call,
  grant: Grant,
  verb: (typeof controls)[number],
): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'control', key);
  const { reason } = await readFields(context, call);
  if (reason !== undefined && typeof reason !== 'string') throw invalid('reason', 'write text');
  const options = { ...optionsOf(context, call), ...(reason !== undefined && { reason }) };
  await context.waiting(grant, () => context.client[verb](addressOf(key), options));
  return new Response(null, { status: DONE });
}

/** `POST /agents/:type/:id/effects/:effect`, with `{as: "done" | "failed" | "retry", value?}`. */
export async function resolveEffect(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'control', key);
  const fields = await readFields(context, call);
  const as = resolutions.find((known) => known === fields['as']);
  if (as === undefined) throw invalid('as', `write one of ${resolutions.join(', ')}`);
  const agent = context.client.agent(splitKey(key).type, call.req.param('id') ?? '');
  const effect = call.req.param('effect') ?? '';
  await context.waiting(grant, () => agent.resolveEffect(effect, as, fields['value'], optionsOf(context, call)));
  return new Response(null, { status: DONE });
}

function optionsOf({ limits }: GatewayContext, call: Call): ControlOptions {
  const { id } = readSending(call.req.raw.headers);
  return { deadlineMs: limits.waitMs, ...(id !== undefined && { id }) };
}

async function readFields({ limits }: GatewayContext, call: Call): Promise<Readonly<Record<string, unknown>>> {
  const bounds = { limitBytes: limits.bodyBytes, arrivalMs: limits.arrivalMs };
  const bytes = await readBody(call.req.raw, call.env?.incoming, bounds);
  const value = readPayload(bytes, call.req.header('content-type') ?? null);
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WakebusError('INVALID_PAYLOAD', { why: 'it is not an object' });
}

function invalid(option: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option, why });
}
