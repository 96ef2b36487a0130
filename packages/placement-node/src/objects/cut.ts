/**
 * Cuts bytes into chunks by their content, so that a change in the middle moves no cut beyond the next one:
 * what comes after it is cut, and named, as it was.
 *
 * A gear hash rolls over the last 32 bytes: shifted by one bit a byte, it forgets what is further away. A
 * cut is where its top bits are all zero: more bits before the wanted length, fewer after it, which draws
 * the lengths together ("normalized chunking"). Nothing is looked for in the first half of the wanted length.
 *
 * @see Xia et al., "Ddelta: A deduplication-inspired fast delta compression approach", Performance Evaluation 2014 (gear hash).
 * @see Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX ATC 2016.
 */

/** Wanted length of a chunk, in bytes. Small enough that a changed value costs little, and large enough that a name in 32 bytes outweighs nothing. */
export const CHUNK_BYTES: number = 128 * 1024;

/** By so many bits a cut is less likely before the wanted length, and more likely after it. */
const NORMALIZATION_BITS = 2;

/**
 * Cuts.
 *
 * @param chunkBytes - Wanted length, in bytes: a power of two from 64 on. Chunks have half of it at least, but for the last one, and four times as much at most: 64 to 512 KB by default.
 */
export function* cut(bytes: Uint8Array, chunkBytes: number = CHUNK_BYTES): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const end = nextCut(bytes, start, chunkBytes);
    yield bytes.subarray(start, end);
    start = end;
  }
}

function nextCut(bytes: Uint8Array, start: number, chunkBytes: number): number {
  const bits = Math.log2(chunkBytes);
  const most = Math.min(bytes.length, start + 4 * chunkBytes);
  const wanted = Math.min(most, start + chunkBytes);
  let at = Math.min(most, start + chunkBytes / 2);
  let hash = 0;
  for (const shift = 32 - bits - NORMALIZATION_BITS; at < wanted; at += 1) {
    hash = (hash << 1) + (GEAR[bytes[at] as number] as number);
    if (hash >>> shift === 0) return at + 1;
  }
  for (const shift = 32 - bits + NORMALIZATION_BITS; at < most; at += 1) {
    hash = (hash << 1) + (GEAR[bytes[at] as number] as number);
    if (hash >>> shift === 0) return at + 1;
  }
  return most;
}

/**
 * A number drawn for each byte; other numbers would cut elsewhere, and everything that is stored would be stored once more.
 *
 * @see Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixing function, in its 32-bit form).
 */
const GEAR: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let mixed = Math.imul(byte + 1, 0x9e3779b9);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
});
