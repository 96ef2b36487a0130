/**
 * Who asks a consumer for messages, and who is served next: the lowest rank that asks.
 */
import type { Delivery } from '@wakebus/placement-node';
import type { ServerEnvironment } from './environment.ts';

/** One process's outstanding request for messages. */
export interface Puller {
  rank: number;
  /** Messages that it still asks for. */
  credit: number;
  /** Whether the server still holds its request. */
  readonly isWaiting: () => boolean;
  readonly deliver: (delivery: Delivery) => void;
  /** The consumer is gone, and the request with it. */
  readonly forgotten: () => void;
}

export class PullerSet {
  readonly #environment: ServerEnvironment;
  readonly #pullers: Puller[] = [];
  #turn = 0;

  constructor(environment: ServerEnvironment) {
    this.#environment = environment;
  }

  add(puller: Puller): void {
    this.#pullers.push(puller);
  }

  delete(puller: Puller): void {
    const at = this.#pullers.indexOf(puller);
    if (at >= 0) this.#pullers.splice(at, 1);
  }

  /** Drops all, and tells them. */
  forget(): void {
    for (const puller of this.#pullers.splice(0)) puller.forgotten();
  }

  /** The lowest rank that asks, in turn among equals; by a fault, whoever asks. */
  choose(): Puller | undefined {
    const asking = this.#pullers.filter((puller) => puller.credit > 0 && puller.isWaiting());
    if (asking.length === 0) return undefined;
    if (asking.length > 1 && this.#environment.hits('spill')) return asking[this.#environment.below(asking.length)];
    const rank = Math.min(...asking.map((puller) => puller.rank));
    const first = asking.filter((puller) => puller.rank === rank);
    this.#turn += 1;
    return first[this.#turn % first.length];
  }
}
