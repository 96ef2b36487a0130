import { type ErrorCode, type ErrorFacts, isWakebusError } from '@wakebus/protocol';

/** Runs what must fail with a code, and returns the error's facts. */
export function failing<C extends ErrorCode>(code: C, run: () => unknown): ErrorFacts<C> {
  try {
    run();
  } catch (thrown) {
    if (isWakebusError(thrown, code)) return thrown.facts;
    throw thrown;
  }
  throw new Error(`nothing was thrown, and ${code} was expected`);
}
