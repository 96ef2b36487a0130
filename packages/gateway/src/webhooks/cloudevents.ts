/**
 * CloudEvents 1.0 over HTTP: structured, binary and batched. The sender shows one of the secrets as a bearer token,
 * as the specification of its web hooks says.
 *
 * @see https://github.com/cloudevents/spec
 */
import { WakebusError, cloudEventFromHeaders, readCloudEvent } from '@wakebus/protocol';
import type { IncomingDelivery } from './incoming.ts';
import { fingerprint, isAny } from './signatures.ts';
import type { ReadDelivery, Scheme } from './webhook.ts';

const BATCH = 'application/cloudevents-batch+json';
const STRUCTURED = 'application/cloudevents+json';
/** A batch is one request, and should not be a flood. */
const MOST_EVENTS = 1_000;

export function cloudEvents(): Scheme {
  return {
    fault: (incoming, { secrets }) => {
      const [, token = ''] = /^Bearer (.+)$/i.exec(incoming.header('authorization')) ?? [];
      return isAny([token], secrets) ? undefined : 'its bearer token is wrong';
    },
    read: (incoming) => eventsOf(incoming).map(readEvent),
  };
}

/** The events of a request, each in its structured form. */
function eventsOf(incoming: IncomingDelivery): readonly unknown[] {
  const contentType = incoming.header('content-type').toLowerCase();
  if (contentType.startsWith(STRUCTURED)) return [incoming.body];
  if (!contentType.startsWith(BATCH)) return [binaryOf(incoming)];
  const { body } = incoming;
  if (!Array.isArray(body)) throw new WakebusError('INVALID_PAYLOAD', { why: 'a batch of CloudEvents is a list' });
  if (body.length > MOST_EVENTS) throw new WakebusError('REQUEST_TOO_LARGE', { what: 'batch', limit: MOST_EVENTS });
  return body;
}

function binaryOf(incoming: IncomingDelivery): unknown {
  return cloudEventFromHeaders(incoming.headers, incoming.raw.length > 0 ? incoming.body : undefined);
}

function readEvent(event: unknown): ReadDelivery {
  const { id, source } = readCloudEvent(event);
  return { id: `${fingerprint(Buffer.from(source)).slice(0, 16)}/${id}`, body: event };
}
