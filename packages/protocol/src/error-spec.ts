/** What an entry of the tables of errors says. */

/**
 * What happens next: `terminal` – the same call will fail again; `retryable` – try later, the same call
 * may succeed; `unknown` – it may have happened, ask before repeating under another ID; `quarantine` –
 * an operator must look first.
 */
export type ErrorClass = 'terminal' | 'retryable' | 'unknown' | 'quarantine';

export interface ErrorSpec<F> {
  readonly next: ErrorClass;
  readonly message: (facts: F) => string;
}
