/**
 * OTLP in protobuf, as far as these tests read it: bytes become the objects that OTLP's JSON form has.
 *
 * The field numbers are those of opentelemetry-proto 1.x, which are stable.
 */

/** How a field is read. A name in an array may come several times. */
type Field = readonly [name: string | readonly [string], kind: Kind];
type Kind = 'text' | 'hex' | 'varint' | 'fixed64' | 'double' | Schema;
interface Schema {
  readonly [field: number]: Field;
}

const anyValue: Record<number, Field> = {
  1: ['stringValue', 'text'],
  2: ['boolValue', 'varint'],
  3: ['intValue', 'varint'],
  4: ['doubleValue', 'double'],
};
anyValue[5] = ['arrayValue', { 1: [['values'], anyValue] }];
const attributes: Field = [['attributes'], { 1: ['key', 'text'], 2: ['value', anyValue] }];
const resource: Field = ['resource', { 1: attributes }];
const link: Schema = { 1: ['traceId', 'hex'], 2: ['spanId', 'hex'] };
const span: Schema = {
  1: ['traceId', 'hex'],
  2: ['spanId', 'hex'],
  3: ['traceState', 'text'],
  4: ['parentSpanId', 'hex'],
  5: ['name', 'text'],
  6: ['kind', 'varint'],
  7: ['startTimeUnixNano', 'fixed64'],
  8: ['endTimeUnixNano', 'fixed64'],
  9: attributes,
  11: [['events'], { 2: ['name', 'text'], 3: attributes }],
  13: [['links'], link],
  15: ['status', { 2: ['message', 'text'], 3: ['code', 'varint'] }],
};
const point: Schema = {
  2: ['startTimeUnixNano', 'fixed64'],
  3: ['timeUnixNano', 'fixed64'],
  4: ['asDouble', 'double'],
  6: ['asInt', 'fixed64'],
  7: attributes,
};
const histogramPoint: Schema = { 4: ['count', 'fixed64'], 5: ['sum', 'double'], 9: attributes };
const metric: Schema = {
  1: ['name', 'text'],
  5: ['gauge', { 1: [['dataPoints'], point] }],
  7: ['sum', { 1: [['dataPoints'], point] }],
  9: ['histogram', { 1: [['dataPoints'], histogramPoint] }],
};

/** What is posted to `/v1/traces`. */
export const traceRequest: Schema = {
  1: [['resourceSpans'], { 1: resource, 2: [['scopeSpans'], { 2: [['spans'], span] }] }],
};
/** What is posted to `/v1/metrics`. */
export const metricsRequest: Schema = {
  1: [['resourceMetrics'], { 1: resource, 2: [['scopeMetrics'], { 2: [['metrics'], metric] }] }],
};

/** Reads a message. Fields that the schema does not name are skipped. */
export function decodeProtobuf(schema: Schema, bytes: Uint8Array): Record<string, unknown> {
  const reader = new Reader(bytes);
  const message: Record<string, unknown> = {};
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const value = reader.value(tag & 7);
    const field = schema[tag >>> 3];
    if (field === undefined) continue;
    const [name, kind] = field;
    const read = valueOf(kind, value);
    if (typeof name === 'string') message[name] = read;
    else ((message[name[0]] ??= []) as unknown[]).push(read);
  }
  return message;
}

function valueOf(kind: Kind, value: bigint | Uint8Array): unknown {
  if (typeof kind === 'object') return decodeProtobuf(kind, value as Uint8Array);
  if (kind === 'varint') return Number(value);
  const bytes = value as Uint8Array;
  if (kind === 'text') return Buffer.from(bytes).toString('utf8');
  if (kind === 'hex') return Buffer.from(bytes).toString('hex');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return kind === 'double' ? view.getFloat64(0, true) : String(view.getBigInt64(0, true));
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }

  value(wireType: number): bigint | Uint8Array {
    switch (wireType) {
      case 0:
        return this.varint();
      case 1:
        return this.#take(8);
      case 2:
        return this.#take(Number(this.varint()));
      case 5:
        return this.#take(4);
      default:
        throw new Error(`no wire type of protobuf: ${wireType}`);
    }
  }

  #take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
