import { expect, test } from 'vitest';
import { parsePart, takePart } from '../../src/runs/part.ts';

test('all parts together are the whole, and none has anything of another', () => {
  const list = Array.from({ length: 11 }, (_, i) => i);
  const parts = [1, 2, 3].map((number) => takePart(list, { number, of: 3 }));

  expect(parts.flat().toSorted((a, b) => a - b)).toEqual(list);
  expect(takePart(list, { number: 1, of: 1 })).toEqual(list);
});

test.each(['1/1', '2/8', '8/8'])('%s is a part', (text) => {
  expect(parsePart(text)).toEqual({ number: Number(text[0]), of: Number(text[2]) });
});

test.each(['0/3', '4/3', '1', '1/2/3', 'all', '1.5/2', ''])('"%s" is none', (text) => {
  expect(parsePart(text)).toBeUndefined();
});
