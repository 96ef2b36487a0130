import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { MAX_DEPTH, MAX_NODES, MSGPACK, decode, decodePayload, encode, encodedSizeBytes } from '../src/mod.ts';
import { failing } from './failing.ts';

function roundTrip(value: unknown): unknown {
  return decode(encode(value));
}

/** Whatever a context may hold, nested. */
const values: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(
      undefined,
      null,
      true,
      false,
      Number.NaN,
      -0,
      0,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      -(2 ** 31),
      2 ** 32,
      new Date(Number.NaN),
    ),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 5 }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 300 }),
    fc.float32Array({ maxLength: 4 }),
    fc.sparseArray(fc.integer(), { maxLength: 6, noTrailingHole: false }),
  ),
  value: fc.oneof(
    { weight: 5, arbitrary: tie('leaf') },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 20 }) },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 40 }), tie('value'), {
        maxKeys: 20,
        noNullPrototype: true,
      }),
    },
    { weight: 1, arbitrary: fc.uniqueArray(tie('value'), { maxLength: 4 }).map((elements) => new Set(elements)) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(tie('leaf'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    },
  ),
})).value;

describe('a value', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(roundTrip(value)).toStrictEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes as many bytes as it is measured to take', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(encodedSizeBytes(value)).toBe(encode(value).length);
      }),
    );
  });

  test.each([
    5n,
    -5n,
    0n,
    2n ** 63n,
    -(2n ** 63n),
    2n ** 63n - 1n,
    2n ** 64n,
    -(2n ** 64n),
    10n ** 400n,
    -(10n ** 400n),
  ])('%d stays a BigInt', (value) => {
    expect(roundTrip(value)).toBe(value);
  });

  test.each([
    -0,
    Number.NaN,
    2 ** 53 - 1,
    -(2 ** 53),
    2 ** 32,
    2 ** 32 - 1,
    -(2 ** 31) - 1,
    0.1,
    5e-324,
    1.7e308,
    Number.NEGATIVE_INFINITY,
  ])('%d stays a number', (value) => {
    expect(roundTrip(value)).toBe(value);
  });

  test('keeps the difference between an absent, an undefined and a null field', () => {
    expect(Object.entries(roundTrip({ a: undefined, b: null }) as object)).toEqual([
      ['a', undefined],
      ['b', null],
    ]);
  });

  test('keeps the holes of an array, also the last one', () => {
    const array: Array<number | undefined> = [];
    array.length = 4;
    array[1] = undefined;
    const back = roundTrip(array) as unknown[];
    expect(back).toHaveLength(4);
    expect(Object.keys(back)).toEqual(['1']);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'a.b', 'x'.repeat(70_000), '\ud800'])(
    'keeps a field called %j, as a field',
    (name) => {
      const object = Object.defineProperty({}, name, {
        value: { polluted: 1 },
        enumerable: true,
        writable: true,
        configurable: true,
      });
      const back = roundTrip(object) as object;
      expect(Object.keys(back)).toEqual([name]);
      expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
      expect((back as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  test.each(['short', 'long enough for another reader of text, and then some more '.repeat(3)])(
    'that is text keeps the byte order mark that it begins with: %s',
    (text) => {
      expect(roundTrip(`\ufeff${text}`)).toBe(`\ufeff${text}`);
      expect(Object.keys(roundTrip({ [`\ufeff${text}`]: 1 }) as object)).toEqual([`\ufeff${text}`]);
    },
  );

  test('is not changed by being written', () => {
    const value = Object.freeze({ list: Object.freeze([-0, new Map([[1, -0]])]), name: 'x', ['__proto__']: 1n });
    expect(roundTrip(value)).toStrictEqual(value);
  });

  test('keeps 100,000 fields', () => {
    const object = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
    expect(roundTrip(object)).toEqual(object);
  });

  test('keeps times before 1970 and after 2514', () => {
    for (const ms of [0, 1, 999, 1763663653123, -1, -62135596800000, 2 ** 34 * 1000, 8.64e15, -8.64e15])
      expect((roundTrip(new Date(ms)) as Date).getTime()).toBe(ms);
  });

  test('that is bytes comes back as bytes, also when it was a Buffer or a part of a larger array', () => {
    expect(roundTrip(Buffer.from('abc'))).toStrictEqual(new Uint8Array([97, 98, 99]));
    expect(roundTrip(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toStrictEqual(new Uint8Array([2, 3]));
  });

  test('that is a typed array or a buffer comes back as one', () => {
    for (const value of [
      new Float64Array([1.5, -0]),
      new BigInt64Array([-5n]),
      new Uint16Array([1, 65_535]),
      new Uint8ClampedArray([9]),
      new Uint8Array([7]).buffer,
    ]) {
      expect(roundTrip(value)).toStrictEqual(value);
    }
  });

  test('without a prototype comes back as a plain object', () => {
    expect(roundTrip(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
  });

  test('with a getter comes back with what the getter said, even one that encodes', () => {
    const inner = {
      get size() {
        return encode([1, 2, 3]).length;
      },
      after: 'x',
    };
    expect(roundTrip([inner, 'end'])).toEqual([{ size: 4, after: 'x' }, 'end']);
  });
});

describe('bytes', () => {
  test('are the caller’s own: the next value does not change them', () => {
    const first = encode({ a: 'one' });
    const copy = first.slice();
    for (let i = 0; i < 100; i += 1) encode({ b: `two ${i}`, c: [i] });
    expect(first).toEqual(copy);
    expect(first.buffer.byteLength).toBe(first.length);
  });

  test.each(['Uint8Array', 'Buffer'])('in a %s are not aliased by what was read out of them', (kind) => {
    const encoded = encode({ data: new Uint8Array([1, 2, 3]), typed: new Float32Array([1]), text: 'abc' });
    const bytes = kind === 'Buffer' ? Buffer.from(encoded) : encoded;
    const back = decode(bytes);
    bytes.fill(0);
    expect(back).toStrictEqual({ data: new Uint8Array([1, 2, 3]), typed: new Float32Array([1]), text: 'abc' });
  });

  test('may lie anywhere in a larger buffer', () => {
    const bytes = encode([1.5, 'x']);
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    expect(decode(larger.subarray(3, 3 + bytes.length))).toEqual([1.5, 'x']);
  });

  test('that are cut short are refused, wherever', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (value, part) => {
        const bytes = encode(value);
        failing('INVALID_PAYLOAD', () => decode(bytes.subarray(0, Math.floor(bytes.length * part))));
      }),
    );
  });

  test('of any kind are read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodePayload(bytes, MSGPACK);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'INVALID_PAYLOAD' });
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('that claim to hold four billion elements are refused at once', () => {
    for (const tag of [0xdd, 0xdf, 0xdb, 0xc6, 0xc9])
      failing('INVALID_PAYLOAD', () => decode(new Uint8Array([tag, 0xff, 0xff, 0xff, 0xff, 0])));
  });
});

function read(bytes: Uint8Array): unknown {
  return decodePayload(bytes, MSGPACK);
}

function int64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0xd3;
  new DataView(bytes.buffer).setBigInt64(1, value);
  return bytes;
}

/** Lists within lists, as MessagePack and as JSON. */
function packed(depth: number): Uint8Array {
  return new Uint8Array([...Array.from({ length: depth - 1 }, () => 0x91), 0x90]);
}
function nested(depth: number): Uint8Array {
  return Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`);
}

describe('a payload from outside', () => {
  test('has numbers where another language writes small numbers in 64 bits, and BigInts where they would not fit', () => {
    expect(read(int64(5n))).toBe(5);
    expect(read(int64(-5n))).toBe(-5);
    expect(read(int64(2n ** 60n))).toBe(2n ** 60n);
    expect(read(new Uint8Array([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))).toBe(2n ** 64n - 1n);
  });

  test('is what another MessagePack library wrote', () => {
    const others = new Packr({ useRecords: false, variableMapSize: true });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        expect(read(others.pack(value))).toStrictEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(read(others.pack({ at: new Date(1763663653123), bytes: new Uint8Array([1]) }))).toEqual({
      at: new Date(1763663653123),
      bytes: new Uint8Array([1]),
    });
  });

  test('is read by another MessagePack library', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(!/__proto__|-0/.test(JSON.stringify(value)));
        expect(JSON.stringify(new Packr({ useRecords: false }).unpack(encode(value)))).toBe(JSON.stringify(value));
      }),
    );
    expect(encode(-0)).toEqual(new Uint8Array([0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]));
  });

  test('has the BigInts of whoever sent it with this library, however small', () => {
    expect(read(encode({ amount: 12n, list: [-1n] }))).toEqual({ amount: 12n, list: [-1n] });
  });

  test.each([
    ['a Set', new Set([1]), /Set/],
    ['a regular expression', /(a+)+$/, /RegExp/],
    ['an Error', new Error('x'), /Error/],
    ['a Float64Array', new Float64Array([1]), /Float64Array/],
  ])('with %s in a form that only msgpackr knows is refused', (_, value, why) => {
    const bytes = new Packr({ useRecords: false, moreTypes: true }).pack([value]);
    expect(failing('INVALID_PAYLOAD', () => read(bytes)).why).toMatch(why);
  });

  test('with references or with the byte 0xc1 is refused', () => {
    const shared = {};
    failing('INVALID_PAYLOAD', () =>
      read(new Packr({ useRecords: false, structuredClone: true }).pack([shared, shared])),
    );
    failing('INVALID_PAYLOAD', () => read(new Uint8Array([0x91, 0xc1])));
  });

  test.each([
    ['an unknown name', ['constructor', 1]],
    ['a list that is only said to be long', ['Map', { length: 1e9 }]],
    ['memory that is only said to be large', ['Float64Array', { buffer: 1e9 }]],
    ['a number that is none', ['BigInt', '1)']],
    ['nothing', null],
  ])('with Wakebus’s extension around %s is refused', (_, content) => {
    const body = new Packr({ useRecords: false }).pack(content);
    failing('INVALID_PAYLOAD', () => read(new Uint8Array([0xc7, body.length, 0x57, ...body])));
  });

  test('in msgpackr’s own record format is refused, and says why', () => {
    expect(failing('INVALID_PAYLOAD', () => read(new Packr().pack([{ a: 1 }, { a: 2 }]))).why).toMatch(
      /extension of type 114/,
    );
  });

  test('nested up to the limit is read, and beyond it refused', () => {
    expect(read(packed(MAX_DEPTH))).toBeDefined();
    expect(failing('INVALID_PAYLOAD', () => read(packed(MAX_DEPTH + 1))).why).toMatch(/deeper than 64/);
    expect(failing('INVALID_PAYLOAD', () => read(packed(250_000))).why).toMatch(/deeper than 64/);
    expect(decodePayload(nested(MAX_DEPTH), undefined)).toBeDefined();
    expect(failing('INVALID_PAYLOAD', () => decodePayload(nested(MAX_DEPTH + 2), undefined)).why).toMatch(
      /deeper than 64/,
    );
  });

  test('nested in Maps is held to the same limit', () => {
    let value: unknown = 1;
    for (let i = 0; i < MAX_DEPTH; i += 1) value = new Map([[i, value]]);
    expect(read(encode(value))).toEqual(value);
    expect(failing('INVALID_PAYLOAD', () => read(encode([value]))).why).toMatch(/deeper than 64/);
  });

  test('that was too much to read leaves the next one readable', () => {
    for (const hostile of [
      new Uint8Array(1_000_000).fill(0x91),
      new Packr().pack([{ a: 1 }]),
      new Uint8Array([0x91]),
    ]) {
      failing('INVALID_PAYLOAD', () => read(hostile));
      expect(read(encode({ a: [100] }))).toEqual({ a: [100] });
    }
  });

  test('with more values than the limit is refused', () => {
    const many = Array.from({ length: MAX_NODES + 1 }, () => 0);
    expect(failing('INVALID_PAYLOAD', () => read(encode(many))).why).toMatch(/more than 100000/);
    expect(failing('INVALID_PAYLOAD', () => decodePayload(Buffer.from(JSON.stringify(many)), undefined)).why).toMatch(
      /more than 100000/,
    );
  });

  test('that is empty is undefined, and that is text is read as JSON', () => {
    expect(decodePayload(new Uint8Array(), undefined)).toBeUndefined();
    expect(decodePayload(Buffer.from('{"a":1}'), undefined)).toEqual({ a: 1 });
    expect(decodePayload(Buffer.from('{"a":1}'), 'application/json; charset=utf-8')).toEqual({ a: 1 });
    expect(failing('INVALID_PAYLOAD', () => decodePayload(Buffer.from('hello'), undefined)).why).toMatch(/not JSON/);
  });

  test('cannot change the prototype of anything', () => {
    const json = decodePayload(Buffer.from('{"__proto__":{"admin":true}}'), undefined) as { admin?: boolean };
    const binary = read(
      Buffer.from([0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa5, ...Buffer.from('admin'), 0xc3]),
    ) as { admin?: boolean };
    expect([json.admin, binary.admin, ({} as { admin?: boolean }).admin]).toEqual([undefined, undefined, undefined]);
  });
});
