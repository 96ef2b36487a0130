/** Randomness, as the runtime sees it: unique names and jitter. */
export interface Random {
  /** A name that nobody else will ever draw: 22 characters of `[A-Za-z0-9]`, some 130 bits. */
  id(): string;
  /** Uniform in [0, 1). */
  fraction(): number;
}
