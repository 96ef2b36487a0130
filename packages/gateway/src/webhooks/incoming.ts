/** One request to a webhook: its raw bytes, which signatures are about, and what they say, read only when somebody asks. */
import { MSGPACK, WakebusError } from '@wakebus/protocol';
import { readPayload } from '../read-event.ts';

const FORM = 'application/x-www-form-urlencoded';

export class IncomingDelivery {
  readonly headers: Headers;
  readonly raw: Uint8Array;
  #body: { readonly value: unknown } | undefined;

  constructor(headers: Headers, raw: Uint8Array) {
    this.headers = headers;
    this.raw = raw;
  }

  /** A header, or nothing. */
  header(name: string): string {
    return this.headers.get(name) ?? '';
  }

  /** A header that names something. @throws {WakebusError} `INVALID_PAYLOAD`. */
  idHeader(name: string): string {
    const id = this.header(name);
    if (id !== '') return id;
    throw new WakebusError('INVALID_PAYLOAD', { why: `the delivery has no ${name}` });
  }

  /** The body as a value: JSON, or a form's fields. Ask only when the sender is believed. @throws {WakebusError} `INVALID_PAYLOAD`, `MEDIA_TYPE_UNSUPPORTED`. */
  get body(): unknown {
    this.#body ??= { value: this.#read() };
    return this.#body.value;
  }

  /** A field of the body. */
  field(name: string): unknown {
    const { body } = this;
    if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined;
    return (body as Readonly<Record<string, unknown>>)[name];
  }

  /** A field of the body that names something. @throws {WakebusError} `INVALID_PAYLOAD`. */
  idField(name: string): string {
    const id = this.field(name);
    if ((typeof id === 'string' && id !== '') || typeof id === 'number') return String(id);
    throw new WakebusError('INVALID_PAYLOAD', { why: `the delivery has no ${name}` });
  }

  /** The body without a field that is a secret: it must not get into an event. */
  bodyWithout(name: string): unknown {
    const { body } = this;
    if (this.field(name) === undefined) return body;
    const { [name]: _secret, ...rest } = body as Readonly<Record<string, unknown>>;
    return rest;
  }

  #read(): unknown {
    const mediaType = this.header('content-type').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (mediaType === FORM && !isJson(this.raw)) return formOf(this.raw);
    if (mediaType === MSGPACK) throw new WakebusError('MEDIA_TYPE_UNSUPPORTED', { mediaType });
    return readPayload(this.raw, mediaType === '' || mediaType === 'text/plain' ? null : this.header('content-type'));
  }
}

function isJson(raw: Uint8Array): boolean {
  return raw[0] === 0x7b;
}

/** Slack wraps JSON in a form's field `payload`. */
function formOf(raw: Uint8Array): unknown {
  const fields = new URLSearchParams(Buffer.from(raw).toString('utf8'));
  const payload = fields.get('payload');
  if (payload !== null) return readPayload(Buffer.from(payload), null);
  const body: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of fields) body[name] = value;
  return { ...body };
}
