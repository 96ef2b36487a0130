/**
 * Seeded randomness: the only source of it in a simulation.
 *
 * @see Chris Doty-Humphrey, sfc32 ("Small Fast Counter"), PractRand. Passes its batteries, 32-bit only.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 22;
/** Rounds after seeding, until nearby seeds have nothing in common. */
const WARM_UP = 15;

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param name - Separates streams of one seed. */
  constructor(seed: number, name = '') {
    this.#a = hashText(name);
    this.#b = seed | 0;
    this.#c = Math.floor(seed / 0x1_0000_0000) | 0;
    for (let i = 0; i < WARM_UP; i += 1) this.next();
  }

  /** 32 bits, as a whole number from 0. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  /** A name that nobody else will draw. */
  id(): string {
    let id = '';
    for (let i = 0; i < ID_LENGTH; i += 1) id += ALPHABET[this.below(ALPHABET.length)];
    return id;
  }
}

/** FNV-1a of a text's code units. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
