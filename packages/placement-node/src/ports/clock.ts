/**
 * Time, as the runtime sees it. Wall time is for people and for what other processes read; every
 * decision about a lease or a timeout uses monotonic time, which does not jump.
 */

/** A timer that can be taken back. */
export interface ClockTimer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. May jump in either direction. */
  wallMs(): number;
  /** Milliseconds since some fixed point of this process. Never goes back; goes on while the process is stopped. */
  monotonicMs(): number;
  /** Calls back once, not before `delayMs` have passed. An outstanding timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): ClockTimer;
}

/** Resolves with some work, or when the time for it is over, whatever comes first. @throws what the work throws in time. */
export async function within(clock: Clock, work: Promise<unknown>, mostMs: number): Promise<void> {
  let timer: ClockTimer | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = clock.setTimer(mostMs, resolve);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    timer?.cancel();
  }
}

/** Resolves after a delay. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
