/**
 * How deep and wide a JSON text is, read off its bytes before anything is made of it.
 *
 * It does not check that the bytes are JSON; who parses them does.
 */
import { MAX_DEPTH, MAX_NODES, WakebusError } from '@wakebus/protocol';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_LIST = 0x5d;
const CLOSE_OBJECT = 0x7d;

/** Texts below this size, in bytes, can be neither too wide nor costly to parse; the reader of the parsed value counts their depth. */
const WORTH_A_LOOK_BYTES = 4_096;

/** Refuses what is nested too deep or has too many values. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function checkJsonShape(bytes: Uint8Array): void {
  if (bytes.length < WORTH_A_LOOK_BYTES) return;
  let depth = 0;
  let values = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i);
    else if (byte === COMMA) values += 1;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      values += 1;
      if (depth > MAX_DEPTH) throw refusal(`it is nested deeper than ${MAX_DEPTH}`);
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
    if (values > MAX_NODES) throw refusal(`it has more than ${MAX_NODES} values`);
  }
}

/** Where the string ends that begins at `start`. */
function endOfString(bytes: Uint8Array, start: number): number {
  let i = start + 1;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

function refusal(why: string): WakebusError<'INVALID_PAYLOAD'> {
  return new WakebusError('INVALID_PAYLOAD', { why });
}
