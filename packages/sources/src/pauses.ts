/**
 * Pauses between tries: twice as long each time up to a limit, of which a random part is waited ("full jitter"), so
 * that those who failed together do not come again together.
 *
 * @see Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** How long to pause, in milliseconds. */
export interface Pauses {
  /** At most so long before the second try. */
  readonly firstMs: number;
  /** At most so long before any. */
  readonly mostMs: number;
}

/** Waits before try `tries` + 1. Resolves early, and quietly, when the signal ends it. */
export async function pause({ firstMs, mostMs }: Pauses, tries: number, signal: AbortSignal): Promise<void> {
  const limitMs = Math.min(mostMs, firstMs * 2 ** Math.min(tries, 30));
  // Only the signal can end it.
  await sleep(Math.random() * limitMs, undefined, { signal }).catch(() => {});
}
