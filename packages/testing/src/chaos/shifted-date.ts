/**
 * A wall clock that can be stepped, for the whole process: what an operator or NTP does to a machine.
 *
 * Only `Date` moves. Timers and `performance.now()` go on as they do when a real clock is set.
 */

const TrueDate = Date;
let shiftMs = 0;

class ShiftedDate extends TrueDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...(args as [number]));
  }

  static override now(): number {
    return TrueDate.now() + shiftMs;
  }
}

/** Shifts the process's wall clock from the true time by so much, in milliseconds; 0 sets it right. */
export function shiftDate(byMs: number): void {
  shiftMs = byMs;
  globalThis.Date = ShiftedDate as DateConstructor;
}
