/**
 * Triggers that were refused at the door, for the audit. Those that are taken are in history.
 *
 * Strangers decide how many there are. The first of a kind is written down at once; those that follow are counted,
 * and written as one entry after a while, which doubles for as long as they go on. A kind is an endpoint, a code and
 * a caller. Neither what was sent nor from where is kept; and what could not be stored is not refused: it is shed,
 * and comes again.
 */
import type { Client } from '@wakebus/client';
import { type ErrorCode, type TriggerAction, isWakebusError } from '@wakebus/protocol';
import { type Grant, callerName } from './access.ts';
import { statusOf } from './http-status.ts';

/** From the first entry of a kind to its second, in milliseconds. */
const FIRST_PAUSE_MS = 10_000;
/** Between entries of a kind that does not end: 144 a day. */
const MOST_PAUSE_MS = 600_000;
/** Kinds with a caller's name at a time; in those beyond, callers have none, and endpoints and codes are few. */
const MOST_KINDS = 1_000;
/** Somebody without a name. */
const ANYONE = 'http';
/** What the door answers; an agent's own answers come from behind it. */
const doorStatuses: ReadonlySet<number> = new Set([400, 401, 403, 404, 408, 413, 415, 429]);

export interface Refusal {
  readonly action: TriggerAction;
  /** Path of the route, never of the request. */
  readonly endpoint: string;
  readonly error: unknown;
  /** Of a caller who showed one. */
  readonly grant?: Grant | undefined;
}

/** What there is to write of a kind. */
interface Kind {
  readonly action: TriggerAction;
  readonly endpoint: string;
  readonly code: ErrorCode;
  readonly by: string;
  /** Of the newest. */
  reason: string | undefined;
  /** Since the entry before. */
  count: number;
  pauseMs: number;
}

export class Refusals {
  readonly #client: Pick<Client, 'noteRefusal'>;
  readonly #kinds = new Map<string, Kind>();

  /** @param signal - Ends with the gateway: what is counted then is written down. */
  constructor(client: Pick<Client, 'noteRefusal'>, signal: AbortSignal) {
    this.#client = client;
    signal.addEventListener('abort', () => {
      for (const kind of this.#kinds.values()) this.#write(kind);
    });
  }

  /** Counts a refusal. What was thrown for another reason is none. Never throws. */
  note({ action, endpoint, error, grant }: Refusal): void {
    if (!isWakebusError(error) || !doorStatuses.has(statusOf(error))) return;
    const { code } = error;
    const by = grant === undefined || this.#kinds.size >= MOST_KINDS ? ANYONE : callerName(grant);
    const name = JSON.stringify([endpoint, code, by]);
    const known = this.#kinds.get(name);
    const kind = known ?? { action, endpoint, code, by, reason: undefined, count: 0, pauseMs: FIRST_PAUSE_MS };
    kind.count += 1;
    // Of other errors it may say what stood in the payload.
    kind.reason = isWakebusError(error, 'SIGNATURE_INVALID') ? error.facts.why : undefined;
    if (known !== undefined) return;
    this.#kinds.set(name, kind);
    this.#write(kind);
    this.#pause(name, kind);
  }

  #pause(name: string, kind: Kind): void {
    setTimeout(() => {
      if (kind.count === 0) {
        this.#kinds.delete(name);
        return;
      }
      this.#write(kind);
      kind.pauseMs = Math.min(kind.pauseMs * 2, MOST_PAUSE_MS);
      this.#pause(name, kind);
    }, kind.pauseMs).unref();
  }

  #write(kind: Kind): void {
    const { action, endpoint, code, by, reason, count } = kind;
    if (count === 0) return;
    kind.count = 0;
    void this.#client.noteRefusal(action, endpoint, code, {
      by,
      facts: { count },
      ...(reason !== undefined && { reason }),
    });
  }
}
