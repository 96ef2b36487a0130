/**
 * What operators ask of an agent: suspend, release, recover, remove, clear, resolve an effect, make and end
 * schedules. A control message stands in its mailbox like any other, and is answered after its commit. Each is in
 * the audit, but for schedules that come and go.
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
import { type AuditedAction, audited, checked } from './audit.ts';
import { type ClientContext, checkDeadline } from './client-context.ts';
import { checkMessageId } from './message-ids.ts';
import { publishUntilStored } from './publish.ts';

/** What may be said with anything that an operator does. */
export interface OperatorOptions {
  /** Why, for whoever looks later. @default none; an agent's lifecycle then says "by an operator" */
  readonly reason?: string;
  /** Who acts, for the audit, where one client serves several. @default what the client was made with */
  readonly by?: string;
  /** How long to try, and to wait for an answer, in milliseconds. @default 30,000 */
  readonly deadlineMs?: number;
}

/** What may be said with a control message. */
export interface ControlOptions extends OperatorOptions {
  /** Name of the request: the same ID is one request. @default a fresh one */
  readonly id?: string;
}

/** What may be said with a recovery. */
export interface RecoverOptions extends ControlOptions {
  /** For an agent in quarantine: go on from what is stored, or begin a new life. @default none – then it stays there */
  readonly decision?: 'keep' | 'anew';
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
  about: Omit<ControlMessage, 'v' | 'verb' | 'reason'> = {},
): Promise<unknown> {
  const { operator, ports } = context;
  const id = requestId(context, key, options);
  const { reason, by = operator } = options;
  const work = (): Promise<unknown> => askAgent(context, key, verb, { ...options, id }, about);
  if (verb === 'schedule') return work();
  if (verb === 'unschedule') return checkExists(context, key).then(work);
  const what: AuditedAction = { action: verb, target: { key }, by, reason, facts: { ...about, message: id } };
  await checked(ports, what, () => checkExists(context, key, verb));
  return audited(ports, what, work);
}

/** The same without the audit, also of an agent that is not there yet. */
export async function askAgent(
  context: ClientContext,
  key: AgentKey,
  verb: ControlMessage['verb'],
  options: ControlOptions,
  about: Omit<ControlMessage, 'v' | 'verb' | 'reason'>,
): Promise<unknown> {
  const { reason } = options;
  const message: ControlMessage = { v: 1, verb, ...(reason !== undefined && { reason }), ...about };
  const deadlineMs = checkDeadline(options.deadlineMs);
  return ask(context, key, message, { id: requestId(context, key, options), deadlineMs });
}

function requestId({ ids }: ClientContext, key: AgentKey, { id }: ControlOptions): string {
  return id === undefined ? ids.next(key) : checkMessageId(id);
}

async function ask(
  context: ClientContext,
  key: AgentKey,
  message: ControlMessage,
  { id, deadlineMs }: { readonly id: string; readonly deadlineMs: number },
): Promise<unknown> {
  const { ports } = context;
  const untilMs = ports.clock.monotonicMs() + deadlineMs;
  const target = context.targetOf(key);
  return context.exchange(
    { key, messageId: id, deadlineMs, untilMs },
    (headers) => ({
      what: `The request to ${message.verb} ${addressOf(key)}`,
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
async function checkExists({ ports }: ClientContext, key: AgentKey, verb?: ControlMessage['verb']): Promise<void> {
  const { bytes } = await ports.agents.get(key);
  if (bytes === undefined || (verb !== 'restore' && isRemoved(key, bytes)))
    throw new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) });
}

function isRemoved(key: AgentKey, bytes: Uint8Array): boolean {
  try {
    return decodeRecord(key, bytes).lifecycle.name === 'removed';
  } catch {
    return false;
  }
}
