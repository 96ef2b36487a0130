import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { natsServerErrorCodes } from '../../nats-server/src/mod.ts';
import { type ErrorCode, WakebusError, errorCodes, errorFromJson, isWakebusError } from '../src/mod.ts';

/** Rows of ERRORS.md: `| \`CODE\` | what happens next | meaning | what to do |`. */
const rows = readFileSync(new URL('../ERRORS.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => /^\| `([A-Z_]+)` \| (\S+) \| ([^|]+) \| ([^|]+) \|$/.exec(line))
  .filter((row) => row !== null)
  .map(([, code = '', next = '', meaning = '', remedy = '']) => ({ code, next, meaning, remedy }));
const documented = rows.map(({ code }) => code);
const inCode = [...new Set([...errorCodes.map(({ code }) => code as string), ...Object.keys(natsServerErrorCodes)])];

test('every error code stands in ERRORS.md, once', () => {
  expect(inCode.length).toBeGreaterThan(30);
  expect(documented.toSorted()).toEqual(inCode.toSorted());
});

test('ERRORS.md says of each code what happens next, as the code has it', () => {
  for (const { code, next } of errorCodes) expect(rows.find((row) => row.code === code)).toMatchObject({ code, next });
});

test('every row says what the error means and what to do', () => {
  for (const { code, meaning, remedy } of rows)
    expect([code, meaning.length > 15, remedy.length > 10]).toEqual([code, true, true]);
});

test('every line of the table is read: a row in another shape would not be held to anything', () => {
  const lines = readFileSync(new URL('../ERRORS.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toHaveLength(lines.length);
});

test('an error survives the way through JSON with its code, class and facts', () => {
  const error = new WakebusError('EVENT_TOO_LARGE', { sizeBytes: 300_000, limitBytes: 262_144 });
  const back = errorFromJson(JSON.parse(JSON.stringify(error)) as never);
  expect(isWakebusError(back, 'EVENT_TOO_LARGE')).toBe(true);
  expect(back).toMatchObject({ next: 'terminal', facts: error.facts, message: error.message });
});

test('an error of a newer peer stays readable', () => {
  expect(errorFromJson({ code: 'NEW_ONE', message: 'what it says', facts: { a: 1 } })).toMatchObject({
    code: 'NEW_ONE',
    message: 'what it says',
    facts: { a: 1 },
  });
});

test('an error whose facts are of another version stays readable', () => {
  expect(errorFromJson({ code: 'TURN_TOO_LARGE', message: 'what it says' })).toMatchObject({
    code: 'TURN_TOO_LARGE',
    message: 'what it says',
  });
});

test.each(['toString', 'constructor', '__proto__'])('a code that is called %s is no known one', (code) => {
  expect(isWakebusError(errorFromJson({ code, message: 'm' }))).toBe(false);
});

test('what goes out has no stack and no cause', () => {
  const error = new WakebusError('UNAVAILABLE', { what: 'The stream x' }, { cause: new Error('secret') });
  expect(Object.keys(error.toJSON())).toEqual(['code', 'next', 'message', 'facts']);
});

test('only a WakebusError is one', () => {
  expect(isWakebusError(Object.assign(new Error('x'), { code: 'UNAVAILABLE' satisfies ErrorCode }))).toBe(false);
  expect(isWakebusError(undefined)).toBe(false);
});
