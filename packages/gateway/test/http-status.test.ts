import { readFileSync } from 'node:fs';
import { statusByClass, statusByCode, statusOf } from '@wakebus/gateway';
import { type ErrorCode, errorCodes, errorFromJson } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { problemResponse } from '../src/problem.ts';

/** Rows of the README's table: `| 409 | \`CODE\` …, and what is \`class\` |`. */
const rows = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, status = '', codes = '', next = ''] =
      /^\| (\d{3}) \| ((?:`[A-Z_]+` ?)*)(?:, and what is `(\w+)`)? ?\|$/.exec(line) ?? [];
    return status === ''
      ? []
      : [{ status: Number(status), codes: [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code), next }];
  });

test('the README shows the table of statuses as the code has it, both ways', () => {
  const byCode = rows.flatMap(({ status, codes }) => codes.map((code) => [code, status]));
  const byClass = rows.flatMap(({ status, next }) => (next === '' ? [] : [[next, status]]));

  expect(Object.fromEntries(byCode)).toEqual(statusByCode);
  expect(byCode).toHaveLength(Object.keys(statusByCode).length);
  expect(Object.fromEntries(byClass)).toEqual(statusByClass);
});

test('every code of the catalogue has a status, and none is the one of a fault', () => {
  const known = new Set(errorCodes.map(({ code }) => code));
  expect(Object.keys(statusByCode).filter((code) => !known.has(code as ErrorCode))).toEqual([]);
  expect(Object.values({ ...statusByCode, ...statusByClass }).filter((status) => status === 500)).toEqual([]);
});

test('an error of a newer placement node keeps its code, and a fault says nothing about itself', async () => {
  const foreign = errorFromJson({ code: 'NEW_ONE', message: 'what it says', facts: { a: 1 } });
  const fault = problemResponse(new Error('password: hunter2'));

  expect(statusOf(foreign)).toBe(422);
  expect(await problemResponse(foreign).json()).toMatchObject({ code: 'NEW_ONE', detail: 'what it says' });
  expect(fault.status).toBe(500);
  expect(await fault.text()).not.toContain('hunter2');
});
