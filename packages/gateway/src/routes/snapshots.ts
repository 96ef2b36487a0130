/** Kept snapshots of an agent: made, listed, shown, compared, given up, which wakes nobody; and going back to them. */
import type { KeepOptions } from '@wakebus/client';
import { addressOf, parseAddress } from '@wakebus/protocol';
import { type Grant, allowAgent, callerName } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { actionOptions, allowAction } from '../operator.ts';
import { invalid, readFields, reasonIn } from '../read-fields.ts';
import { keyOf } from './look.ts';

const CREATED = 201;
const DONE = 204;

/** `POST /agents/:type/:id/snapshots`, with `{label?, reason?}`. */
export async function takeSnapshot(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAction(context, grant, 'snapshot', key);
  const fields = await readFields(context, call);
  const options: KeepOptions = { by: callerName(grant), ...reasonIn(fields), ...labelIn(fields) };
  return json(await context.waiting(grant, () => context.client.snapshots.take(addressOf(key), options)), CREATED);
}

/** `GET /agents/:type/:id/snapshots`. */
export async function listSnapshots({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'read', key);
  return json({ snapshots: await client.snapshots.list(addressOf(key)) });
}

/** `GET /agents/:type/:id/snapshots/:snapshot`. */
export async function showSnapshot({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'read', key);
  return json(await client.snapshots.get(addressOf(key), snapshotOf(call)));
}

/** `GET /agents/:type/:id/snapshots/:snapshot/diff`, with `?to=`. */
export async function diffSnapshot({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'read', key);
  return json({ changes: await client.snapshots.diff(addressOf(key), snapshotOf(call), call.req.query('to')) });
}

/** `DELETE /agents/:type/:id/snapshots/:snapshot`. */
export async function removeSnapshot(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAction(context, grant, 'discard', key);
  const options = { by: callerName(grant), ...reasonIn(await readFields(context, call)) };
  await context.client.snapshots.remove(addressOf(key), snapshotOf(call), options);
  return new Response(null, { status: DONE });
}

/** `POST /agents/:type/:id/control/restore`, with `{snapshot, timers?: "drop", effects?: "abort", reason?}`. */
export async function restore(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAction(context, grant, 'restore', key);
  const fields = await readFields(context, call);
  const { snapshot, effects } = fields;
  if (typeof snapshot !== 'string') throw invalid('snapshot', 'write the ID of a snapshot');
  if (effects !== undefined && effects !== 'abort') throw invalid('effects', 'write abort');
  const options = { ...actionOptions(context, call, grant), ...reasonIn(fields), ...timersIn(fields) };
  await context.waiting(grant, () =>
    context.client.restore(addressOf(key), snapshot, { ...options, ...(effects && { effects }) }),
  );
  return new Response(null, { status: DONE });
}

/** `POST /agents/:type/:id/control/fork`, with `{to, snapshot?, timers?: "drop", reason?}`. Who forks reads the one and controls the other. */
export async function fork(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  const fields = await readFields(context, call);
  const { to, snapshot } = fields;
  if (typeof to !== 'string') throw invalid('to', 'write the address of the new agent');
  if (snapshot !== undefined && typeof snapshot !== 'string') throw invalid('snapshot', 'write the ID of a snapshot');
  allowAgent(grant, 'read', key);
  allowAction(context, grant, 'fork', key);
  allowAction(context, grant, 'fork', parseAddress(to));
  const options = { ...actionOptions(context, call, grant), ...reasonIn(fields), ...timersIn(fields) };
  const from = await context.waiting(grant, () =>
    context.client.fork(addressOf(key), to, { ...options, ...(snapshot !== undefined && { snapshot }) }),
  );
  return json({ agent: to, from: { agent: addressOf(key), snapshot: from } }, CREATED);
}

function timersIn({ timers }: Readonly<Record<string, unknown>>): { readonly timers?: 'keep' | 'drop' } {
  if (timers === undefined) return {};
  if (timers === 'keep' || timers === 'drop') return { timers };
  throw invalid('timers', 'write keep or drop');
}

function snapshotOf(call: Call): string {
  return call.req.param('snapshot') ?? '';
}

function labelIn({ label }: Readonly<Record<string, unknown>>): { readonly label?: string } {
  if (label === undefined) return {};
  if (typeof label === 'string') return { label };
  throw invalid('label', 'write text');
}
