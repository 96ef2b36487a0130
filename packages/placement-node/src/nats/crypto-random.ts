/** {@link Random} of this machine. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../ports/random.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 22;
/** Bytes from here on would favour the first letters: 4 × 62. */
const UNFAIR_FROM = 248;
/** Random bytes are drawn in lots of this size: one system call for some 180 names. */
const LOT_BYTES = 4_096;

let lot = new Uint8Array(0);
let used = 0;

function nextByte(): number {
  if (used === lot.length) {
    lot = randomBytes(LOT_BYTES);
    used = 0;
  }
  used += 1;
  return lot[used - 1] as number;
}

export const cryptoRandom: Random = {
  id() {
    let id = '';
    while (id.length < ID_LENGTH) {
      const byte = nextByte();
      if (byte < UNFAIR_FROM) id += ALPHABET[byte % ALPHABET.length];
    }
    return id;
  },
  fraction: () => Math.random(),
};
