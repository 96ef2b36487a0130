/** Bytes of a stream as lines of text. A line that is too long is told of once, and left out. */
import { StringDecoder } from 'node:string_decoder';

/** Who takes the lines. */
export interface LineSink {
  readonly onLine: (line: string) => void;
  readonly onTooLong: () => void;
}

/** @returns what takes the chunks as they come. */
export function splitLines(limitBytes: number, { onLine, onTooLong }: LineSink): (chunk: Uint8Array) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isTooLong = false;
  return (chunk) => {
    const pieces = decoder.write(chunk).split('\n');
    const last = pieces.pop() ?? '';
    for (const piece of pieces) {
      const line = rest + piece;
      rest = '';
      if (!isTooLong) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
      isTooLong = false;
    }
    // What is there of a line is not looked at again with each piece: many small ones would keep this thread busy.
    rest += last;
    if (rest.length <= limitBytes) return;
    if (!isTooLong) onTooLong();
    isTooLong = true;
    rest = '';
  };
}
