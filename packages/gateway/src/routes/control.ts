/** What operators ask of an agent: suspend, release, recover, remove, and their word on an effect. */
import { addressOf } from '@wakebus/protocol';
import type { Grant } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { actionOptions, allowAction } from '../operator.ts';
import { invalid, readFields, reasonIn } from '../read-fields.ts';
import { keyOf } from './look.ts';

const controls = ['suspend', 'release', 'recover', 'remove'] as const;
const decisions = ['keep', 'anew'] as const;
const resolutions = ['done', 'failed', 'retry'] as const;
const DONE = 204;

/** `POST /agents/:type/:id/control/:verb`, with `{reason?}` and, to recover from quarantine, `{decision}`. Answered when it is done. */
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
  allowAction(context, grant, verb, key);
  const fields = await readFields(context, call);
  const options = { ...actionOptions(context, call, grant), ...reasonIn(fields), ...decisionIn(fields) };
  await context.waiting(grant, () => context.client[verb](addressOf(key), options));
  return new Response(null, { status: DONE });
}

/** `POST /agents/:type/:id/effects/:effect`, with `{as: "done" | "failed" | "retry", value?}`. */
export async function resolveEffect(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAction(context, grant, 'resolve', key);
  const fields = await readFields(context, call);
  const as = resolutions.find((known) => known === fields['as']);
  if (as === undefined) throw invalid('as', `write one of ${resolutions.join(', ')}`);
  const agent = context.client.agentAt(addressOf(key));
  const effect = call.req.param('effect') ?? '';
  const options = actionOptions(context, call, grant);
  await context.waiting(grant, () => agent.resolveEffect(effect, as, fields['value'], options));
  return new Response(null, { status: DONE });
}

function decisionIn({ decision }: Readonly<Record<string, unknown>>): { readonly decision?: 'keep' | 'anew' } {
  if (decision === undefined) return {};
  const known = decisions.find((one) => one === decision);
  if (known === undefined) throw invalid('decision', `write one of ${decisions.join(', ')}`);
  return { decision: known };
}
