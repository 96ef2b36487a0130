/**
 * Strays: messages in an inbox, or at the front door of several, that name no agent. Their tokens are wildcards, or not escaped as the
 * protocol asks; the server stores them as they come. They end in the dead letters, so that they do not
 * fill the inbox unseen.
 */
import { STRAY_KEY, WakebusError, wireMessageId } from '@wakebus/protocol';
import { parkedMessage, storeParked } from './dead-letters.ts';
import type { NodeContext } from './node-context.ts';
import type { Consumption, Delivery, EventLog } from './ports/event-log.ts';

/** Nothing about them is urgent: so long without an answer, in milliseconds, and another node takes them. */
const ACK_WAIT_MS = 30_000;

/** Takes what was published under the agents' subjects and could not be mapped into a partition. */
export function consumeStrays(context: NodeContext): Promise<Consumption[]> {
  const { layout, ports } = context;
  const spec = { name: layout.straysConsumer, filters: [layout.straysFilter], ackWaitMs: ACK_WAIT_MS };
  const entrances = ports.frontDoor === undefined ? ports.inboxes : [ports.frontDoor];
  return Promise.all(
    entrances.map((log) =>
      log.consume(spec, { rank: 0, onDelivery: (delivery) => void discardStray(context, log, delivery) }),
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
  const parked = parkedMessage(context, STRAY_KEY, delivery, { code, message, attempts: 0 });
  // Each shard counts for itself, and they all give their strays up under one key.
  const shard = inbox === undefined ? -1 : ports.inboxes.indexOf(inbox);
  const messageId = wireMessageId(STRAY_KEY, `${shard}.${delivery.seq}`);
  try {
    await storeParked(context, ports.deadLetters, layout.deadLetterSubject(STRAY_KEY), parked, messageId);
    inbox?.ack(delivery.ackToken);
  } catch (thrown) {
    log.warn('a stray stays in the inbox for now', { error: String(thrown) });
  }
}
