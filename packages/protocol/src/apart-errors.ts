/** The part of the table of errors that only agents give whose turns run apart, in threads or as programs; `errors.ts` has the rest. */
import type { ErrorSpec } from './error-spec.ts';

/** The facts that they carry, by code. */
export interface ApartFacts {
  TURN_STOPPED: { address: string; event: string; why: string };
  PROGRAM_FAILED: { address: string; event: string; why: string };
}

export const apartErrors: { readonly [C in keyof ApartFacts]: ErrorSpec<ApartFacts[C]> } = {
  TURN_STOPPED: {
    next: 'retryable',
    message: (f) => `The machine of ${f.address} was stopped on "${f.event}": ${f.why}.`,
  },
  PROGRAM_FAILED: {
    next: 'retryable',
    message: (f) => `The program of ${f.address} failed on "${f.event}": ${f.why}.`,
  },
};
