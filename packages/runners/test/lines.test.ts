/** Bytes as they come from a pipe: cut anywhere, and of any length. */
import { expect, test } from 'vitest';
import { splitLines } from '../src/lines.ts';

/** What comes of text that arrives in pieces of so many bytes. */
function heard(text: string, pieceBytes: number, limitBytes = 64): string[] {
  const lines: string[] = [];
  const take = splitLines(limitBytes, { onLine: (line) => lines.push(line), onTooLong: () => lines.push('too long') });
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += pieceBytes) take(bytes.subarray(from, from + pieceBytes));
  return lines;
}

test.each([1, 2, 3, 7, 1_000])('lines are whole whatever they are cut into: pieces of %i bytes', (pieceBytes) => {
  expect(heard('one\r\n\nzwölf – 十二 🕛\nand no end', pieceBytes)).toEqual(['one', '', 'zwölf – 十二 🕛']);
});

test.each([1, 7, 64])('a line that is too long is told of once, and left out: pieces of %i bytes', (pieceBytes) => {
  expect(heard(`before\n${'x'.repeat(1_000)}\nafter\n`, pieceBytes)).toEqual(['before', 'too long', 'after']);
});
