/**
 * One node's {@link Clock} over virtual time. Its wall clock may be wrong; its monotonic one only starts somewhere else.
 */
import type { Clock, ClockTimer } from '@wakebus/placement-node';
import type { LinkContext } from './link-context.ts';
import type { Actor } from './task.ts';

/** Whose clock it is. */
export interface ClockOwner {
  readonly actor: Actor;
  /** What the wall clock is ahead, in milliseconds. */
  readonly wallOffsetMs: number;
  use(): void;
}

/** @param originMs - What the monotonic clock shows at the start. */
export function simulatedClock({ scheduler, epochMs }: LinkContext, owner: ClockOwner, originMs: number): Clock {
  return {
    wallMs: () => {
      owner.use();
      return Math.floor(epochMs + scheduler.nowMs + owner.wallOffsetMs);
    },
    monotonicMs: () => {
      owner.use();
      return originMs + scheduler.nowMs;
    },
    setTimer: (delayMs, callback): ClockTimer => {
      let cancelled = false;
      // A timer that is due and waits for its turn can still be taken back.
      const run = (): void => {
        if (!cancelled) callback();
      };
      const timer = scheduler.postAfter(delayMs, { actor: owner.actor, label: 'timer', run });
      return {
        cancel: () => {
          cancelled = true;
          timer.cancel();
        },
      };
    },
  };
}
