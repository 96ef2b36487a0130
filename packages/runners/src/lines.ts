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
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!isTooLong) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
      isTooLong = false;
    }
    if (rest.length <= limitBytes) return;
    if (!isTooLong) onTooLong();
    isTooLong = true;
    rest = '';
  };
}
