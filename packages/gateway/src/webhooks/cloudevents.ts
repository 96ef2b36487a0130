/**
 * CloudEvents 1.0 over HTTP: structured, binary and batched. The sender shows one of the secrets as a bearer token,
 * as the specification of its web hooks says.
 *
 * @see https://github.com/cloudevents/spec
 */
import { WakebusError } from '@wakebus/protocol';
import type { IncomingDelivery } from './incoming.ts';
import { fingerprint, isAny } from './signatures.ts';
import type { ReadDelivery, Scheme } from './webhook.ts';

const BATCH = 'application/cloudevents-batch+json';
const STRUCTURED = 'application/cloudevents+json';
const ATTRIBUTE = 'ce-';
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
  if (!Array.isArray(body)) throw invalid('a batch of CloudEvents is a list');
  if (body.length > MOST_EVENTS) throw new WakebusError('REQUEST_TOO_LARGE', { what: 'batch', limit: MOST_EVENTS });
  return body;
}

function binaryOf(incoming: IncomingDelivery): unknown {
  const event: Record<string, unknown> = {};
  for (const [name, value] of incoming.headers)
    if (name.startsWith(ATTRIBUTE)) event[name.slice(ATTRIBUTE.length)] = decodeAttribute(value);
  return { ...event, ...(incoming.raw.length > 0 && { data: incoming.body }) };
}

/** Attributes are percent-encoded where a header cannot hold them. */
function decodeAttribute(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function readEvent(event: unknown): ReadDelivery {
  const { id, source, type, specversion } = (event ?? {}) as Readonly<Record<string, unknown>>;
  for (const value of [id, source, type, specversion])
    if (typeof value !== 'string' || value === '') throw invalid('a CloudEvent has id, source, type and specversion');
  // ID and source together name an event.
  return { id: `${fingerprint(Buffer.from(source as string)).slice(0, 16)}/${id as string}`, body: event };
}

function invalid(why: string): WakebusError<'INVALID_PAYLOAD'> {
  return new WakebusError('INVALID_PAYLOAD', { why });
}
