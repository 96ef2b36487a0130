/**
 * CloudEvents 1.0 over NATS, in structured and in binary mode, as a mapping: `streamSource({ …, ...cloudEvents(map) })`.
 *
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/nats-protocol-binding.md
 */
import { type CloudEvent, cloudEventFromHeaders, header, readCloudEvent } from '@wakebus/protocol';
import { fingerprint } from '../bus.ts';
import type { Mapped } from '../source.ts';
import { type StreamMessage, headerOf } from './stream-message.ts';
import type { StreamSourceOptions } from './stream-source.ts';

const STRUCTURED = 'application/cloudevents';

/**
 * Maps events, and names them as they name themselves: by source and ID, so that one which is published again is
 * the same.
 */
export function cloudEvents(
  map: (event: CloudEvent, message: StreamMessage) => Mapped,
): Required<Pick<StreamSourceOptions, 'map' | 'key'>> {
  return {
    map: (message) => map(cloudEventOf(message), message),
    key: (message) => {
      const { source, id } = cloudEventOf(message);
      return `${fingerprint(source).slice(0, 16)}/${id}`;
    },
  };
}

/** The event of a message. @throws {WakebusError} `INVALID_PAYLOAD`. */
function cloudEventOf(message: StreamMessage): CloudEvent {
  const contentType = headerOf(message.headers, header.contentType)?.toLowerCase() ?? '';
  if (contentType.startsWith(STRUCTURED) || headerOf(message.headers, 'ce-specversion') === undefined)
    return readCloudEvent(message.body);
  const data = message.data.length > 0 ? dataOf(message) : undefined;
  return readCloudEvent(cloudEventFromHeaders(Object.entries(message.headers), data));
}

/** What is neither JSON nor MessagePack stays bytes. */
function dataOf(message: StreamMessage): unknown {
  const mediaType = headerOf(message.headers, header.contentType)?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isKnown = mediaType === '' || /^application\/(?:json|msgpack)$/.test(mediaType) || mediaType.endsWith('+json');
  return isKnown ? message.body : message.data;
}
