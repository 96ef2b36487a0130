/** What both sides must agree on when they run an operation. */
export interface Moment {
  /** Which operation of the trace it is; payloads say so. */
  readonly index: number;
  /** Wall time, in milliseconds since the epoch. */
  readonly wallMs: number;
  /** Where chance decides on a server, what it decided, for the model to follow. */
  readonly choice?: Choice;
}

/** What became of the writes of a race. */
interface Choice {
  /** Who was served first. */
  readonly winner: number;
  /** Called before each write is sent. */
  readonly beforeWrite: (write: number) => void;
}
