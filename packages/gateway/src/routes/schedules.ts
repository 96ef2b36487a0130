/**
 * Schedules over HTTP: `GET /schedules`, `GET`, `PUT` and `DELETE /agents/:type/:id/schedules/:schedule`. The ID `*`
 * is every agent of the type.
 */
import { type Schedule, WakebusError, addressOf } from '@wakebus/protocol';
import { type Grant, allowAgent } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { actionOptions, allowAction, reasonedOptions } from '../operator.ts';
import { readFields } from '../read-fields.ts';
import { keyOf } from './look.ts';
import { whose } from './parked.ts';

/** More are in no answer: nobody reads them, and each agent has to be looked at. */
const MOST_SCHEDULES = 1_000;
const NO_CONTENT = 204;

/** Schedules, of one agent (`?agent=`) or of all of a type (`?type=`). */
export async function listSchedules(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const { agent, type } = call.req.query();
  return context.waiting(grant, () => answer(context, whose(grant, agent, type)));
}

async function answer({ client }: GatewayContext, of: ReturnType<typeof whose>): Promise<Response> {
  const schedules = [];
  for await (const schedule of client.schedules.list(of)) {
    if (schedules.length === MOST_SCHEDULES) return json({ schedules, isCut: true });
    schedules.push(schedule);
  }
  return json({ schedules, isCut: false });
}

export async function showSchedule({ client }: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'read', key);
  const [address, id] = [addressOf(key), scheduleOf(call)];
  const schedule = await client.schedules.get(address, id);
  if (schedule === undefined) throw new WakebusError('TIMER_NOT_FOUND', { address, timer: id });
  return json(schedule);
}

/** Makes a schedule, or replaces the one of that ID: `{event: {type, …}, cron | everyMs | atMs, …}`. Answers when it comes next. */
export async function putSchedule(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'control', key);
  const schedule = (await readFields(context, call)) as unknown as Schedule;
  if (typeof schedule.event?.type !== 'string')
    throw new WakebusError('INVALID_OPTION', { option: 'event', why: 'write an object with a type' });
  const options = actionOptions(context, call, grant);
  const add = (): Promise<{ readonly nextMs: number }> =>
    context.client.schedules.add(addressOf(key), scheduleOf(call), schedule, options);
  return json(await context.waiting(grant, add));
}

export async function removeSchedule(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'control', key);
  const options = actionOptions(context, call, grant);
  await context.waiting(grant, () => context.client.schedules.remove(addressOf(key), scheduleOf(call), options));
  return new Response(null, { status: NO_CONTENT });
}

/** `POST /agents/:type/:id/timers/:timer/fire`, with `{reason?}`: a timer, or a schedule's next occurrence, comes now. */
export async function fire(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAction(context, grant, 'fire', key);
  const options = await reasonedOptions(context, call, grant);
  const timer = call.req.param('timer') ?? '';
  await context.waiting(grant, () => context.client.timers.fire(addressOf(key), timer, options));
  return new Response(null, { status: NO_CONTENT });
}

/** `DELETE /agents/:type/:id/timers/:timer`: a timer or a schedule does not come any more. */
export async function cancel(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const key = keyOf(call);
  allowAgent(grant, 'control', key);
  const options = await reasonedOptions(context, call, grant);
  const timer = call.req.param('timer') ?? '';
  await context.waiting(grant, () => context.client.timers.cancel(addressOf(key), timer, options));
  return new Response(null, { status: NO_CONTENT });
}

function scheduleOf(call: Call): string {
  return call.req.param('schedule') ?? '';
}
