import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AgentKey,
  MAX_TOKEN_BYTES,
  addressOf,
  agentKey,
  checkAgentType,
  decodeEventName,
  decodeToken,
  encodeEventName,
  encodeToken,
  isCanonicalKey,
  parseAddress,
  partitionOf,
} from '../src/mod.ts';
import { failing } from './failing.ts';

/** Any text that fits: what outside systems use as IDs. */
const ids = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => text.isWellFormed() && new TextEncoder().encode(text.normalize('NFC')).length <= 60);
const whyRefused = (text: string): unknown => failing('INVALID_ADDRESS', () => encodeToken(text)).why;

describe('a token', () => {
  test('comes back as the text that it was made of, in NFC', () => {
    fc.assert(
      fc.property(ids, (text) => {
        expect(decodeToken(encodeToken(text))).toBe(text.normalize('NFC'));
      }),
    );
  });

  test('is one subject token, whatever the text', () => {
    fc.assert(
      fc.property(ids, (text) => {
        expect(encodeToken(text)).toMatch(/^[A-Za-z0-9_=-]+$/);
      }),
    );
  });

  test('is the same for two texts only when they are the same in NFC', () => {
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        expect(encodeToken(a) === encodeToken(b)).toBe(a.normalize('NFC') === b.normalize('NFC'));
      }),
    );
  });

  test.each([
    ['*', '=2A'],
    ['>', '=3E'],
    ['.', '=2E'],
    [' ', '=20'],
    ['a b', 'a=20b'],
    ['=', '=3D'],
    ['=2A', '=3D2A'],
    ['\r\nPUB x 0', '=0D=0APUB=20x=200'],
    ['🙂', '=F0=9F=99=82'],
    ['__proto__', '__proto__'],
    ['\u0000', '=00'],
  ])('of %j is %s', (text, token) => {
    expect(encodeToken(text)).toBe(token);
    expect(decodeToken(token)).toBe(text);
  });

  test('is the same for a composed and a decomposed letter', () => {
    expect(encodeToken('caf\u00e9')).toBe(encodeToken('cafe\u0301'));
  });

  test('is refused for an empty text', () => {
    expect(whyRefused('')).toMatch(/empty/);
  });

  test('is refused for 10 KB, without repeating them in the message', () => {
    expect(whyRefused('x'.repeat(10_240))).toMatch(/10240 bytes/);
    expect(failing('INVALID_ADDRESS', () => encodeToken('x'.repeat(10_240))).address.length).toBeLessThan(60);
  });

  test('is refused when it is too long only once it is escaped', () => {
    expect(encodeToken('é'.repeat(33))).toHaveLength(198);
    expect(whyRefused('é'.repeat(34))).toMatch(`over ${MAX_TOKEN_BYTES}`);
  });

  test.each(['\ud800', 'a\udc00', '\udc00\ud800'])('is refused for the ill-formed %j', (text) => {
    expect(whyRefused(text)).toMatch(/well-formed/);
  });
});

describe('a token from elsewhere', () => {
  test.each(['=2a', '=41', '=', '=2', '=ZZ', 'a b', '', '*', 'é', '=FF', '=C3', '=C0=80', '=ED=A0=80', 'cafe=CC=81'])(
    'is no token as %j: no encoder writes it so',
    (token) => {
      expect(decodeToken(token)).toBeUndefined();
    },
  );

  test('is decoded to the one text that encodes to it, or to nothing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('=', '2', 'A', 'E', 'C', '3', 'a', '_'), maxLength: 12 }),
        (token) => {
          const text = decodeToken(token);
          expect(text === undefined || encodeToken(text) === token).toBe(true);
        },
      ),
    );
  });
});

describe('an address', () => {
  test('is split at the first slash only', () => {
    expect(parseAddress('repo/wakebus/core')).toBe('repo.wakebus=2Fcore');
    expect(addressOf(parseAddress('repo/wakebus/core'))).toBe('repo/wakebus/core');
  });

  test('is refused without a slash', () => {
    expect(failing('INVALID_ADDRESS', () => parseAddress('repo')).why).toMatch(/no slash/);
  });

  test.each(['', '1a', 'a.b', 'a*', 'a b', '_x', 'é', 'a/b', `a${'b'.repeat(64)}`, 'a\n'])(
    'is refused with the type %j',
    (type) => {
      failing('INVALID_ADDRESS', () => checkAgentType(type));
    },
  );

  test('makes keys that are canonical, and only those are', () => {
    fc.assert(
      fc.property(ids, (id) => {
        expect(isCanonicalKey(agentKey('order', id))).toBe(true);
      }),
    );
    for (const key of ['order', 'order.', '.x', 'order.a.b', 'order.=2a', '1.x', 'order.*'])
      expect(isCanonicalKey(key)).toBe(false);
  });

  test('whose key no encoder wrote is shown as it stands', () => {
    expect(addressOf('order.=2a' as AgentKey)).toBe('order/=2a');
  });
});

describe('an event name', () => {
  test('comes back, dots and all', () => {
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 3 }), (parts) => {
        const name = parts.join('.');
        fc.pre(name.length <= MAX_TOKEN_BYTES && !name.split('.').includes(''));
        expect(decodeEventName(encodeEventName(name))).toBe(name.normalize('NFC'));
      }),
    );
  });

  test('stays readable where it is plain', () => {
    expect(encodeEventName('issue.opened')).toBe('issue.opened');
    expect(encodeEventName('Zahlung fällig')).toBe('Zahlung=20f=C3=A4llig');
  });

  test.each(['', '.', 'a.', '.a', 'a..b'])('is refused as %j: a part of it is empty', (name) => {
    expect(failing('INVALID_EVENT', () => encodeEventName(name)).why).toMatch(/empty/);
  });

  test('is refused over 200 characters', () => {
    failing('INVALID_EVENT', () => encodeEventName('x'.repeat(201)));
  });

  test('of a subject that no encoder wrote is nothing', () => {
    expect(decodeEventName('a.=2a')).toBeUndefined();
    expect(decodeEventName('a..b')).toBeUndefined();
  });
});

test('partitions are FNV-1a of the two tokens without the dot', () => {
  // The reference values of the algorithm's authors: "foobar" hashes to 0xbf9cf968.
  expect(partitionOf('foo.bar' as AgentKey, 2 ** 31)).toBe(0xbf9cf968 % 2 ** 31);
  expect(partitionOf('f.oobar' as AgentKey, 2 ** 31)).toBe(0xbf9cf968 % 2 ** 31);
});

test('agents spread evenly over 64 partitions', () => {
  const counts = Array.from({ length: 64 }, () => 0);
  for (let i = 0; i < 64_000; i += 1) {
    const partition = partitionOf(agentKey('order', `o-${i}`), 64);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(Math.max(...counts)).toBeLessThan(1200);
  expect(Math.min(...counts)).toBeGreaterThan(800);
});
