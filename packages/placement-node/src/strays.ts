/**
 * Strays: messages in an inbox that name no agent. Their tokens are wildcards, or not escaped as the
 * protocol asks; the server stores them as they come. They end in the dead letters, so that they do not
 * fill the inbox unseen.
 */
import { type AgentKey, WakebusError } from '@wakebus/protocol';
import { parkedMessage, storeParked } from './dead-letters.ts';
import type { NodeContext } from './node-context.ts';
import type { Consumption, Delivery, EventLog } from './ports/event-log.ts';

/** Nothing about them is urgent: so long without an answer, in milliseconds, and another node takes them. */
const ACK_WAIT_MS = 30_000;

/** Takes what was published under the agents' subjects and could not be mapped into a partition. */
export function consumeStrays(context: NodeContext): Promise<Consumption[]> {
  const { layout, ports } = context;
  const spec = { name: layout.straysConsumer, filters: [layout.agentsFilter], ackWaitMs: ACK_WAIT_MS };
  return Promise.all(
    ports.inboxes.map((inbox) =>
      inbox.consume(spec, { rank: 0, onDelivery: (delivery) => void discardStray(context, inbox, delivery) }),
    ),
  );
}

/** Moves a stray to the dead letters. */
export async function discardStray(
  context: NodeContext,
  inbox: EventLog | undefined,
  delivery: Delivery,
): Promise<void> {
  const { layout, log, ports } = context;
  const why = 'its tokens are not escaped as the protocol asks';
  const { code, message } = new WakebusError('INVALID_ADDRESS', { address: delivery.subject, why });
  log.warn(message, { subject: delivery.subject, code });
  const parked = parkedMessage(context, 'invalid.address', delivery, { code, message, attempts: 0 });
  try {
    await storeParked(context, ports.deadLetters, layout.deadLetterSubject('invalid.address' as AgentKey), parked);
    inbox?.ack(delivery.ackToken);
  } catch (thrown) {
    log.warn('a stray stays in the inbox for now', { error: String(thrown) });
  }
}
