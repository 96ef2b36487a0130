/**
 * Draws kinds at random, and yet each once before any comes again: a short run meets many.
 */
import type { Prng } from '../simulation/prng.ts';

export class Deck<T extends { readonly once?: boolean }> {
  readonly #prng: Prng;
  #cards: T[];
  #left: T[] = [];

  constructor(cards: readonly T[], prng: Prng) {
    this.#cards = [...cards];
    this.#prng = prng;
  }

  draw(): T {
    if (this.#left.length === 0) this.#left = [...this.#cards];
    const [card] = this.#left.splice(this.#prng.below(this.#left.length), 1) as [T];
    if (card.once === true && this.#cards.length > 1) this.#cards = this.#cards.filter((other) => other !== card);
    return card;
  }
}
