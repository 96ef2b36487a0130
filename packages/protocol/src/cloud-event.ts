/**
 * CloudEvents 1.0, whatever carries them: in HTTP and in NATS their attributes are headers that begin with `ce-`, or
 * fields of one JSON object.
 *
 * @see https://github.com/cloudevents/spec
 */
import { WakebusError } from './errors.ts';

/** An event in its structured form. Extensions stand beside the attributes. */
export interface CloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data?: unknown;
  readonly [attribute: string]: unknown;
}

const ATTRIBUTE = 'ce-';

/** The event of a binary-mode message. It is not checked: {@link readCloudEvent} does that. @param data - Its payload; `undefined` for none. */
export function cloudEventFromHeaders(headers: Iterable<readonly [string, string]>, data: unknown): unknown {
  const event: Record<string, unknown> = {};
  for (const [name, value] of headers) {
    const attribute = name.toLowerCase();
    if (attribute.startsWith(ATTRIBUTE)) event[attribute.slice(ATTRIBUTE.length)] = decodeAttribute(value);
  }
  return { ...event, ...(data !== undefined && { data }) };
}

/** Attributes are percent-encoded where a header cannot hold them. */
function decodeAttribute(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Checks what every event must have. ID and source together name it. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function readCloudEvent(event: unknown): CloudEvent {
  const { id, source, type, specversion } = (event ?? {}) as Readonly<Record<string, unknown>>;
  for (const value of [id, source, type, specversion])
    if (typeof value !== 'string' || value === '')
      throw new WakebusError('INVALID_PAYLOAD', { why: 'a CloudEvent has id, source, type and specversion' });
  return event as CloudEvent;
}
