/** A message of a stream, as mappings see it. */
import type { JsMsg } from '@nats-io/jetstream';
import { type Headers, JSON_TYPE, decodePayload, header } from '@wakebus/protocol';

export interface StreamMessage {
  readonly stream: string;
  readonly subject: string;
  /** Its sequence in the stream. */
  readonly seq: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly timeMs: number;
  /** Headers in the spelling of their sender; of several values the first. */
  readonly headers: Headers;
  readonly data: Uint8Array;
  /** The payload: MessagePack or JSON, as its `Content-Type` says; JSON without one. @throws {WakebusError} `INVALID_PAYLOAD`. */
  readonly body: unknown;
}

/** Reads a delivery. The payload is decoded when somebody asks for it. */
export function readStreamMessage(delivery: JsMsg): StreamMessage {
  const { subject, seq, data, info, headers: given } = delivery;
  const headers: Record<string, string> = {};
  for (const name of given?.keys() ?? []) headers[name] = given?.get(name) ?? '';
  return {
    stream: info.stream,
    subject,
    seq,
    timeMs: Math.floor(info.timestampNanos / 1e6),
    headers,
    data,
    get body() {
      return decodePayload(data, bodyType(headers));
    },
  };
}

/** A header, however it is spelt. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const lower = name.toLowerCase();
  const found = Object.keys(headers).find((one) => one.toLowerCase() === lower);
  return found === undefined ? undefined : headers[found];
}

/** `application/cloudevents+json` and its like are JSON. */
function bodyType(headers: Headers): string {
  const mediaType = headerOf(headers, header.contentType)?.split(';', 1)[0]?.trim().toLowerCase() ?? JSON_TYPE;
  return mediaType.endsWith('+json') ? JSON_TYPE : mediaType;
}
