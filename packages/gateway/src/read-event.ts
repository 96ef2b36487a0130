/** A request's body as an event, as any publisher's payload becomes one. */
import { type AgentEvent, JSON_TYPE, MSGPACK, WakebusError, decodePayload, eventOf } from '@wakebus/protocol';
import { checkJsonShape } from './json-shape.ts';

/** What `curl -d` says of whatever it sends. */
const CURL_TYPE = 'application/x-www-form-urlencoded';

/**
 * An object's fields become fields of the event; anything else becomes its `data`.
 *
 * @throws {WakebusError} `MEDIA_TYPE_UNSUPPORTED`, `INVALID_PAYLOAD`.
 */
export function readEvent(type: string, bytes: Uint8Array, contentType: string | null): AgentEvent {
  return eventOf(type, readPayload(bytes, contentType));
}

/** The value of a body. @throws {WakebusError} as {@link readEvent}. */
export function readPayload(bytes: Uint8Array, contentType: string | null): unknown {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? JSON_TYPE;
  if (mediaType === MSGPACK) return decodePayload(bytes, MSGPACK);
  if (mediaType !== JSON_TYPE && mediaType !== CURL_TYPE && !mediaType.endsWith('+json'))
    throw new WakebusError('MEDIA_TYPE_UNSUPPORTED', { mediaType: mediaType.slice(0, 100) });
  checkJsonShape(bytes);
  return decodePayload(bytes, JSON_TYPE);
}
