/**
 * The till of a run on real processes: an HTTP service outside of every fault, which keeps what it was asked.
 *
 * It takes its time before and after it enters a purchase, refuses some, and answers some so late that their
 * time has run out. A purchase under a key that it knows is answered, and not entered again.
 */
import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Prng } from '../simulation/prng.ts';
import { PURCHASE_TIMEOUT_MS, REFUSED, type TillDesk } from '../workloads/buyer-agent.ts';
import { pause } from './patience.ts';

/** At most so long before it enters a purchase, and again after that, in milliseconds: a kill may come in either. */
const SLOW_MS = 80;
const REFUSED_SHARE = 0.05;
const LATE_SHARE = 0.02;

export interface TillOptions {
  readonly seed: number;
  /** Without it every request is entered: a run that does not see that sees nothing. @default true */
  readonly honoursKeys?: boolean;
}

export class Till {
  /** How often each purchase was entered. */
  readonly #entries = new Map<string, number>();
  readonly #keys = new Set<string>();
  /** Purchases that were asked for again under a key, and not entered again. */
  readonly #spared = new Set<string>();
  readonly #honoursKeys: boolean;
  readonly #prng: Prng;
  readonly #server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://till');
    void this.#take(searchParams.get('id') ?? '', searchParams.get('key') ?? '', response);
  });

  private constructor({ seed, honoursKeys = true }: TillOptions) {
    this.#prng = new Prng(seed, 'till');
    this.#honoursKeys = honoursKeys;
  }

  static async open(options: TillOptions): Promise<Till> {
    const till = new Till(options);
    await once(till.#server.listen(0, '127.0.0.1'), 'listening');
    return till;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** How often each purchase of a part of the run was entered. */
  entriesOf(part: string): ReadonlyMap<string, number> {
    return new Map([...this.#entries].filter(([id]) => id.startsWith(`${part}.`)));
  }

  /** Purchases of a part that would have been entered twice without their key. */
  sparedIn(part: string): number {
    return [...this.#spared].filter((id) => id.startsWith(`${part}.`)).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  async #take(id: string, key: string, response: ServerResponse): Promise<void> {
    await pause(this.#prng.fraction() * SLOW_MS);
    const isKnown = this.#honoursKeys && this.#keys.has(key);
    if (!isKnown && this.#prng.chance(REFUSED_SHARE)) return answer(response, 402);
    if (isKnown) this.#spared.add(id);
    else this.#entries.set(id, (this.#entries.get(id) ?? 0) + 1);
    if (key !== '') this.#keys.add(key);
    await pause(this.#prng.chance(LATE_SHARE) ? 2 * PURCHASE_TIMEOUT_MS : this.#prng.fraction() * SLOW_MS);
    answer(response, 200);
  }
}

function answer(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end();
}

/** Buys at the till that the purchase names. Only what needs no second question is asked of it. */
export const deskOverHttp: TillDesk = {
  buy: async ({ idempotencyKey, input, signal }, isKeyed) => {
    const query = new URLSearchParams({ id: input.id, ...(isKeyed && { key: idempotencyKey }) });
    const response = await fetch(`${input.till}?${query.toString()}`, { signal }).catch((cause: unknown) => {
      // It may have been entered: no answer is no refusal.
      throw Object.assign(new Error('the till did not answer', { cause }), { code: 'EFFECT_MAYBE' });
    });
    await response.body?.cancel();
    if (response.status === 402) throw Object.assign(new Error('the till refuses'), { code: REFUSED });
    return 'entered';
  },
  lookup: () => Promise.reject(new Error('it cannot be asked')),
  undo: () => Promise.reject(new Error('it takes nothing back')),
};
