/** `POST /agents/:type/:id/:event`: an event, and the answer to it for whoever waits. */
import type { AgentHandle, SendOptions } from '@wakebus/client';
import { type AgentEvent, addressOf } from '@wakebus/protocol';
import { type Grant, allowAgent } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { readEvent } from '../read-event.ts';
import { readSending, readWaitMs } from '../request-headers.ts';

/** Stores an event: 202 and its message ID. With a wait: 200 and the reply, or 504 while the event stays. */
export async function send(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const { type, id, event } = call.req.param() as { type: string; id: string; event: string };
  return deliver(context, call, grant, { agent: context.client.agent(type, id), event });
}

/** Where an event goes. */
interface Destination {
  readonly agent: AgentHandle<AgentEvent>;
  readonly event: string;
  /** Fields that a path brings. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** As {@link send}, to wherever a route leads. */
export async function deliver(
  context: GatewayContext,
  call: Call,
  grant: Grant,
  { agent, event, fields }: Destination,
): Promise<Response> {
  const { limits } = context;
  const { headers } = call.req.raw;
  const waitMs = readWaitMs(call.req.query('wait'), headers.get('prefer'), limits.waitMs);
  allowAgent(grant, waitMs === undefined ? 'send' : 'call', agent.key);
  const sending = readSending(headers);
  const bytes = await context.bodyOf(call);
  const message = { ...readEvent(event, bytes, headers.get('content-type')), ...fields };
  if (waitMs === undefined) return accept(agent, message, { ...sending, deadlineMs: limits.storeMs });
  return context.waiting(grant, () => answer(agent, message, { ...sending, deadlineMs: waitMs }));
}

async function accept(agent: AgentHandle<AgentEvent>, event: AgentEvent, options: SendOptions): Promise<Response> {
  const { messageId, seq, duplicate } = await agent.send(event, options);
  return json({ agent: addressOf(agent.key), event: event.type, messageId, seq, duplicate }, 202);
}

async function answer(agent: AgentHandle<AgentEvent>, event: AgentEvent, options: SendOptions): Promise<Response> {
  const reply = await agent.call(event, options);
  const applied = { 'Preference-Applied': `wait=${Math.round((options.deadlineMs ?? 0) / 1_000)}` };
  if (reply === undefined) return new Response(null, { status: 204, headers: applied });
  return json(reply, 200, applied);
}
