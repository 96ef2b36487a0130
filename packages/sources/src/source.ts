/**
 * What a source is: something that brings events in from elsewhere, for as long as its process lives.
 *
 * One contract for those of this package and for one's own. A source decides what an event is and under which key it
 * is known; that it is stored once, that a source which fails comes up again, and that somebody sees it, is
 * `startSources`' business.
 */
import { type Headers, WakebusError } from '@wakebus/protocol';
import type { NatsConnection } from '@nats-io/transport-node';
import type { SourceState } from './source-state.ts';

/** An event for one agent. */
export interface SourceEvent {
  /** `<type>/<id>` */
  readonly agent: string;
  readonly event: string;
  /** An object's fields become fields of the event; anything else its `data`. @default none */
  readonly data?: unknown;
}

/** What a mapping returns: one event, several (to different agents), or nothing. */
export type Mapped = SourceEvent | readonly SourceEvent[] | undefined;

/** What came of an event. */
export interface SourceReceipt {
  /** It had been stored before, under the same key. */
  readonly duplicate: boolean;
}

/** Something that no event could be made of. */
export interface Refusal {
  /** Names it within the source: the same one is refused once. */
  readonly key: string;
  readonly why: string;
  /** Tries before it was given up. */
  readonly attempts: number;
  /** As it came, for whoever looks. */
  readonly data: Uint8Array;
  readonly headers?: Headers;
  /** Where it came from: a subject, a path. */
  readonly from: string;
  /** Its number there. @default 0 */
  readonly seq?: number;
}

/** What a running source is given. */
export interface SourceSink {
  /** Name of the source. */
  readonly name: string;
  /** The connection of `startSources`. */
  readonly connection: NatsConnection;
  /** Name of the deployment. */
  readonly prefix: string;
  /** What the source remembers, across processes. */
  readonly state: SourceState;
  /** Says that the source reads; until then it is starting. */
  ready(): void;
  /**
   * Brings an event in. Resolves when it is stored, and only then may the source acknowledge, or remember, what it
   * has made the event of. While the inbox is full or does not answer, it waits and tries again: whoever awaits it
   * is slowed down, and loses nothing.
   *
   * @param key - The event's own name within the source: the same key to the same agent is one event, for a day.
   * @param trace - Trace headers that it came with.
   * @throws {WakebusError} `INVALID_ADDRESS`, `INVALID_EVENT`, `EVENT_TOO_LARGE` and others that are terminal: refuse
   * it. `SOURCE_FAILED` when the source is stopped meanwhile: nothing is known, bring it again.
   */
  send(event: SourceEvent, key: string, trace?: Headers): Promise<SourceReceipt>;
  /** Gives something up: it is stored as a dead letter, logged and counted. Resolves when it is stored. @throws {WakebusError} `SOURCE_FAILED` as {@link send}. */
  refuse(refusal: Refusal): Promise<void>;
  /** Counts something that is of no interest. */
  ignored(): void;
  warn(text: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** A source. */
export interface Source {
  /** Unique in a deployment: it stands in message IDs, and names what the source remembers. 1 to 64 of A-Z a-z 0-9 _ - */
  readonly name: string;
  /**
   * Reads until the signal ends it, then returns. What it throws is a failure: it is started again, after a pause
   * that grows. One that returns by itself has come to its end.
   */
  start(sink: SourceSink, signal: AbortSignal): Promise<void>;
  /** What else is to be seen of it. Called whenever somebody looks; must not throw. */
  health?(): Readonly<Record<string, unknown>>;
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Checks a source. @throws {WakebusError} `INVALID_OPTION`. */
export function defineSource(source: Source): Source {
  if (NAME.test(source.name)) return source;
  throw new WakebusError('INVALID_OPTION', {
    option: `source ${source.name.slice(0, 80)}`,
    why: 'a name is 1 to 64 of A-Z a-z 0-9 _ -',
  });
}

/** What a mapping made, as a list. @throws {WakebusError} `INVALID_PAYLOAD` when it is no event. */
export function listOf(mapped: Mapped): readonly SourceEvent[] {
  if (mapped === undefined) return [];
  const events = isList(mapped) ? mapped : [mapped];
  for (const { agent, event } of events as ReadonlyArray<Partial<SourceEvent>>)
    if (typeof agent !== 'string' || typeof event !== 'string')
      throw new WakebusError('INVALID_PAYLOAD', { why: 'its mapping gives no {agent: text, event: text}' });
  return events;
}

/** The key of one of several events that were made of the same thing. */
export function keyAt(key: string, at: number): string {
  return at === 0 ? key : `${key}~${at}`;
}

function isList(mapped: SourceEvent | readonly SourceEvent[]): mapped is readonly SourceEvent[] {
  return Array.isArray(mapped);
}

/** @throws {WakebusError} `INVALID_OPTION` for the first of these options that is no whole number above 0. */
export function checkCounts(options: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(options))
    if (!Number.isInteger(value) || value < 1)
      throw new WakebusError('INVALID_OPTION', { option, why: 'write a whole number above 0' });
}
