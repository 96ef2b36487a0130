/** The part of the table of errors that only sources give; `errors.ts` has the rest. */
import type { ErrorSpec } from './error-spec.ts';

/** The facts that they carry, by code. */
export interface SourceFacts {
  SOURCE_MISCONFIGURED: { source: string; what: string; actual: string; needed: string };
  SOURCE_FAILED: { source: string; why: string };
  SOURCE_REFUSED: { source: string; key: string; attempts: number; why: string };
}

export const sourceErrors: { readonly [C in keyof SourceFacts]: ErrorSpec<SourceFacts[C]> } = {
  SOURCE_MISCONFIGURED: {
    next: 'terminal',
    message: (f) => `The source "${f.source}" cannot start: ${f.what} is ${f.actual}, and must be ${f.needed}.`,
  },
  SOURCE_FAILED: {
    next: 'retryable',
    message: (f) => `The source "${f.source}" failed: ${f.why}. Nothing is lost; it is started again after a pause.`,
  },
  SOURCE_REFUSED: {
    next: 'terminal',
    message: (f) =>
      `The source "${f.source}" could not make an event of ${f.key} in ${f.attempts} tries: ${f.why}. Mend its mapping, and bring it in again.`,
  },
};
