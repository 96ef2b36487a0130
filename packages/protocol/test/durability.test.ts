import { describe, expect, test } from 'vitest';
import { decode, encode, encodeLarge } from '../src/mod.ts';
import { failing } from './failing.ts';

function roundTrip(value: unknown): unknown {
  return decode(encode(value));
}
function refusal(value: unknown): { path: string; why: string } {
  return failing('VALUE_NOT_DURABLE', () => encode(value));
}

describe('what would not come back is refused with its path:', () => {
  class Order {
    id = 1;
  }
  const symbol = Symbol('s');
  test.each([
    [
      'a function',
      { context: { items: [{}, {}, {}, { callback: () => 1 }] } },
      'context.items[3].callback',
      /function \(callback\)/,
    ],
    ['a symbol', { a: { symbol } }, 'a.symbol', /symbol/],
    ['an instance of a class', { order: new Order() }, 'order', /instance of Order/],
    ['an instance of a class of the platform', { order: new URL('http://x') }, 'order', /instance of URL/],
    ['a subclass of Map', { m: new (class Cache extends Map {})() }, 'm', /instance of Cache/],
    ['a subclass of Array', { list: new (class List extends Array {})() }, 'list', /instance of List/],
    ['a subclass of Date', { at: new (class Moment extends Date {})() }, 'at', /instance of Moment/],
    ['a regular expression', [/x/], '[0]', /RegExp/],
    ['a WeakMap', { cache: new WeakMap() }, 'cache', /weakly/],
    ['a promise', { result: Promise.resolve() }, 'result', /promise/],
    ['an actor', { child: { sessionId: 'x:1', send: () => {} } }, 'child.send', /function/],
    ['something in a Map', { m: new Map([['k', { f: symbol }]]) }, 'm.get("k").f', /symbol/],
    ['something as the key of a Map', { m: new Map([[{ f: symbol }, 1]]) }, 'm.keys(0).f', /symbol/],
    ['something in a Set', { s: new Set([1, symbol]) }, 's.values(1)', /symbol/],
    ['something in an error', { e: Object.assign(new Error('x'), { req: new Order() }) }, 'e.req', /Order/],
    ['under an odd name', { 'a b': { 'c"d': symbol } }, '["a b"]["c\\"d"]', /symbol/],
    ['the value itself', symbol, 'the top', /symbol/],
  ])('%s', (_, value, path, why) => {
    expect(refusal(value)).toEqual({ path, why: expect.stringMatching(why) as string });
  });

  test('a cycle, at the place where it closes', () => {
    const parent: Record<string, unknown> = { name: 'p' };
    parent['children'] = [{ parent }];
    expect(refusal({ parent })).toEqual({
      path: 'parent.children[0].parent',
      why: expect.stringMatching(/back to something that holds it/) as string,
    });
  });

  test('a cycle through a Map', () => {
    const map = new Map<string, unknown>();
    map.set('self', { map });
    expect(refusal({ map }).path).toBe('map.get("self").map');
  });

  test('what is nested too deep, at its start', () => {
    let value: unknown = 1;
    for (let i = 0; i < 600; i += 1) value = { n: value };
    expect(refusal(value)).toEqual({
      path: 'n.n.n.n.n.n.n.n',
      why: expect.stringMatching(/deeper than 512/) as string,
    });
  });

  test.each([
    ['objects', (part: unknown) => ({ a: part, b: part })],
    ['arrays', (part: unknown) => [part, part]],
    [
      'Maps',
      (part: unknown) =>
        new Map([
          ['a', part],
          ['b', part],
        ]),
    ],
    ['Sets', (part: unknown) => new Set([[part], [part]])],
    ['errors', (part: unknown) => new Error('x', { cause: [part, part] })],
  ] as const)('what shares its parts so often that it would fill the memory: %s, after a short walk', (_, twice) => {
    let walked = 0;
    let value: unknown = {
      get leaf() {
        walked += 1;
        return 1;
      },
    };
    for (let i = 0; i < 40; i += 1) value = twice(value);

    expect(refusal(value).why).toMatch(/many times larger than a record/);

    expect(walked).toBeLessThan(1_000_000);
  });

  test('text that is held so often that it would fill the memory', () => {
    let value: unknown = 'x'.repeat(100_000);
    for (let i = 0; i < 40; i += 1) value = [value, value];

    expect(refusal(value).why).toMatch(/many times larger than a record/);
  });

  test('but not a value that is merely larger than a record', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ i, text: 'some text' }));

    expect(roundTrip(many)).toEqual(many);
  });

  test('but not a large value where one is expected, whose bytes are its own', () => {
    const large = { pages: Array.from({ length: 30 }, (_, i) => `${i}`.repeat(500_000)) };

    const bytes = encodeLarge(large);
    encode({ another: 'x'.repeat(10_000) });

    expect(decode(bytes)).toEqual(large);
    expect(refusal(large).why).toMatch(/many times larger than a record/);
    expect(decode(encodeLarge({ small: [1, 2] }))).toEqual({ small: [1, 2] });
  });

  test('and the next value is written as if nothing had been', () => {
    refusal({ a: [symbol] });
    expect(roundTrip({ a: 1 })).toEqual({ a: 1 });
  });
});

describe('an error', () => {
  test('comes back with its class, message, cause and own fields', () => {
    const back = roundTrip(
      Object.assign(new TypeError('no', { cause: new RangeError('deep', { cause: 5n }) }), {
        code: 'E_X',
        facts: new Map([[1, 2]]),
      }),
    ) as TypeError & Record<string, unknown>;
    expect(back).toBeInstanceOf(TypeError);
    expect(back).toMatchObject({ name: 'TypeError', message: 'no', code: 'E_X', facts: new Map([[1, 2]]) });
    expect(back.cause).toBeInstanceOf(RangeError);
    expect((back.cause as Error).cause).toBe(5n);
    expect(Object.keys(back)).toEqual(['code', 'facts']);
  });

  test('of a class of its own comes back as an Error under its name', () => {
    class PaymentError extends Error {
      override readonly name = 'PaymentError';
      readonly amount = 5;
    }
    const back = roundTrip(new PaymentError('declined')) as PaymentError;
    expect(Object.getPrototypeOf(back)).toBe(Error.prototype);
    expect(back).toMatchObject({ name: 'PaymentError', message: 'declined', amount: 5 });
  });

  test('that gathers others comes back with them', () => {
    expect((roundTrip(new AggregateError([new Error('a')], 'all')) as AggregateError).errors[0]).toBeInstanceOf(Error);
  });

  test('does not take along its stack, nor that of the reader', () => {
    expect((roundTrip(new Error('x')) as Error).stack).toBe('Error: x');
    expect(Buffer.from(encode(new Error('x'))).toString('latin1')).not.toContain('codec.test');
  });

  test('named like something else in the language is no more than an error', () => {
    const back = roundTrip(Object.assign(new Error('process.exit()'), { name: 'Function' }));
    expect(back).toBeInstanceOf(Error);
    expect(typeof back).toBe('object');
  });
});
