/**
 * The agent of a whole type, `<type>/*`: a built-in machine whose schedules bring events for every agent of
 * the type.
 *
 * It is an agent like any other, so its schedules are kept, moved and found like any other's. An occurrence is
 * an effect that walks over the records and sends to each agent, under a message ID that names the
 * occurrence: a repetition sends again what its receivers know already. Events from outside are unknown to it.
 */
import { type AnyAgentDefinition, type Occurrence, checkEvent, defineAgent, effect } from '@wakebus/core';
import {
  type AgentEvent,
  type AgentKey,
  FAN_OUT_EVENT,
  MSGPACK,
  addressOf,
  decodeRecord,
  encodeEvent,
  header,
  isCanonicalKey,
  isTypeAgent,
  splitKey,
  typeAgentKey,
  wireMessageId,
} from '@wakebus/protocol';
import { setup, spawnChild } from 'xstate';
import { type NodeContext, inboxOf } from './node-context.ts';
import { delay } from './ports/clock.ts';

/** Records read at once, and events on their way at once. */
const PAGE = 500;
/** Before an event is offered again to an inbox that did not take it, in milliseconds. */
const AGAIN_MS = 250;
/** One attempt may take so long, in milliseconds: at some thousand a second, millions of agents. */
const TIMEOUT_MS = 600_000;
/** All attempts together take less than this, in milliseconds. */
const LONGEST_MS = 7_200_000;

/** What an occurrence is about. */
interface Delivery {
  readonly event: AgentEvent;
  readonly occurrence: Occurrence;
}

type FanOutEvent = { readonly type: typeof FAN_OUT_EVENT } & Delivery;

/** What of a node is needed to send. */
export type FanOutContext = Pick<NodeContext, 'layout' | 'membership' | 'ports'>;

/**
 * The agent of one type.
 *
 * @param context - Asked for when an occurrence comes.
 */
export function typeAgent({ type, dedupe }: AnyAgentDefinition, context: () => FanOutContext): AnyAgentDefinition {
  const fanOut = effect<void, Delivery>({
    run: ({ input, signal }) => sendToAll(context(), type, input, signal),
    dedupe: 'key',
    // Receivers know an occurrence for as long as they know any message.
    keyHorizonMs: Math.max(dedupe.horizonMs, LONGEST_MS),
    timeoutMs: TIMEOUT_MS,
    retry: { attempts: 8 },
  });
  const machine = setup({ types: { events: {} as FanOutEvent }, actors: { fanOut } }).createMachine({
    id: 'type',
    on: {
      [FAN_OUT_EVENT]: {
        actions: spawnChild('fanOut', {
          id: ({ event: { occurrence } }) => `${occurrence.schedule}@${occurrence.atMs}`,
          input: ({ event: { event, occurrence } }) => ({ event, occurrence }),
        }),
      },
    },
  });
  return defineAgent({ type, machine, dedupe, sleep: { afterMs: 0 } });
}

/** An agent that changes meanwhile is met again; it knows the message by its ID. */
async function sendToAll(
  context: FanOutContext,
  type: string,
  { event, occurrence }: Delivery,
  signal: AbortSignal,
): Promise<void> {
  checkEvent(event);
  const { type: name, ...fields } = event;
  const data = encodeEvent({ ...fields, occurrence });
  const id = `${typeAgentKey(type)}/${occurrence.schedule}@${occurrence.atMs}`;
  let revision: number | undefined = 1;
  while (revision !== undefined) {
    const page = await context.ports.agents.scan(revision, PAGE);
    const keys = page.values.flatMap(({ key, bytes }) => (isReceiver(type, key, bytes) ? [key as AgentKey] : []));
    await Promise.all(keys.map((key) => sendTo(context, key, name, data, id, signal)));
    revision = page.nextRevision;
  }
}

/** Only agents that are alive: an event would bring a removed one to life again. */
function isReceiver(type: string, key: string, bytes: Uint8Array): boolean {
  if (!isCanonicalKey(key) || isTypeAgent(key) || splitKey(key).type !== type) return false;
  try {
    const { name } = decodeRecord(key, bytes).lifecycle;
    return name !== 'removed' && name !== 'completed';
  } catch {
    return true; // Whoever mends the record finds the event waiting.
  }
}

async function sendTo(
  context: FanOutContext,
  key: AgentKey,
  name: string,
  data: Uint8Array,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { layout, membership, ports } = context;
  const options = { messageId: wireMessageId(key, id), headers: { [header.contentType]: MSGPACK } };
  for (;;) {
    if (signal.aborted) throw new Error(`stopped before ${addressOf(key)} had the event`);
    const isMine = membership.mayAct();
    if (isMine && (await inboxOf(context, key).append(layout.eventSubject(key, name), data, options)).kind === 'stored')
      return;
    await delay(ports.clock, AGAIN_MS);
  }
}
