/**
 * Message IDs that a client draws: `<session>-<n>`, with `n` counting per agent.
 *
 * An agent remembers the IDs it has processed; those that count under one stem cost it a single range,
 * however many they are.
 */
import { WakebusError } from '@wakebus/protocol';

/** Agents whose counters are kept, some 10 MB at most. Beyond, all begin anew under another session name: one more range each, instead of memory without bound. */
const MOST_COUNTERS = 100_000;
/** Letters of a session name: 71 bits, unique among all clients of a deployment. */
const SESSION_LENGTH = 12;
/** Longest ID of a caller. Each processed one is kept in the agent's record. */
const MAX_ID_LENGTH = 200;

/** The ID counters of one client. */
export class MessageIds {
  readonly #drawName: () => string;
  readonly #counters = new Map<string, number>();
  #session: string;

  /** @param drawName - Gives a name that nobody else draws. */
  constructor(drawName: () => string) {
    this.#drawName = drawName;
    this.#session = this.#drawSession();
  }

  /** The next ID for messages to an agent. */
  next(key: string): string {
    if (this.#counters.size >= MOST_COUNTERS && !this.#counters.has(key)) {
      this.#counters.clear();
      this.#session = this.#drawSession();
    }
    const n = (this.#counters.get(key) ?? 0) + 1;
    this.#counters.set(key, n);
    return `${this.#session}-${n}`;
  }

  #drawSession(): string {
    return this.#drawName().slice(0, SESSION_LENGTH);
  }
}

/**
 * Checks an ID that a caller chose.
 *
 * @throws {WakebusError} `INVALID_OPTION`: a header cannot carry it unchanged.
 */
export function checkMessageId(id: string): string {
  if (id.length > 0 && id.length <= MAX_ID_LENGTH && id.trim() === id && id.isWellFormed() && !/\p{Cc}/u.test(id))
    return id;
  throw new WakebusError('INVALID_OPTION', {
    option: 'id',
    why: `write 1 to ${MAX_ID_LENGTH} characters without control characters or spaces at the ends`,
  });
}
