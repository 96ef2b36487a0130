/**
 * What operators ask of an agent: remove, suspend, release, resolve an effect, make and end schedules. A control message stands in its mailbox
 * like any other, and is answered after its commit.
 */
import {
  type AgentKey,
  type ControlMessage,
  WakebusError,
  addressOf,
  decodeRecord,
  encodeToSend,
  wireMessageId,
} from '@wakebus/protocol';
import { type ClientContext, checkDeadline } from './client-context.ts';
import { checkMessageId } from './message-ids.ts';
import { publishUntilStored } from './publish.ts';

/** What may be said with a control message. */
export interface ControlOptions {
  /** Why, for whoever looks later. @default "by an operator" */
  readonly reason?: string;
  /** Name of the request: the same ID is one request. @default a fresh one */
  readonly id?: string;
  /** How long to wait for the answer, in milliseconds. @default 30,000 */
  readonly deadlineMs?: number;
}

/**
 * Asks, and waits until it is done.
 *
 * @returns what the answer holds.
 * @throws {WakebusError} `AGENT_NOT_FOUND` when there is none (or no more); `CALL_TIMEOUT`: stored, and done when a
 * placement node of its type runs; `UNAVAILABLE`, `OUTCOME_UNKNOWN`.
 */
export async function controlAgent(
  context: ClientContext,
  key: AgentKey,
  verb: ControlMessage['verb'],
  options: ControlOptions,
  about: Pick<ControlMessage, 'effect' | 'timer'> = {},
): Promise<unknown> {
  const { ports, ids } = context;
  const deadlineMs = checkDeadline(options.deadlineMs);
  const id = options.id === undefined ? ids.next(key) : checkMessageId(options.id);
  if (verb !== 'schedule') await checkExists(context, key);
  const untilMs = ports.clock.monotonicMs() + deadlineMs;
  const { reason } = options;
  const message: ControlMessage = {
    v: 1,
    verb,
    ...(reason !== undefined && { reason }),
    ...about,
  };
  const target = context.targetOf(key);
  return context.exchange(
    { key, messageId: id, deadlineMs, untilMs },
    (headers) => ({
      what: `The request to ${verb} ${addressOf(key)}`,
      id,
      subject: ports.layout.runtimeSubject(key, 'control'),
      data: encodeToSend(message),
      untilMs,
      options: { messageId: wireMessageId(key, id), headers },
    }),
    // Not an outsider: a full inbox must not keep an operator from mending it.
    (publication) => publishUntilStored(target, ports.clock, publication),
  );
}

/** A control message would otherwise be the birth of an agent. A record that cannot be read is there all the same. */
async function checkExists({ ports }: ClientContext, key: AgentKey): Promise<void> {
  const { bytes } = await ports.agents.get(key);
  if (bytes === undefined || isRemoved(key, bytes))
    throw new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) });
}

function isRemoved(key: AgentKey, bytes: Uint8Array): boolean {
  try {
    return decodeRecord(key, bytes).lifecycle.name === 'removed';
  } catch {
    return false;
  }
}
