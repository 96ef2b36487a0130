/**
 * History: every commit, at least once, without a turn waiting for it.
 *
 * Entries of a moment are published together, and only the last one asks for an answer: one connection's
 * messages reach a stream in order, so its confirmation stands for those before it. When it does not
 * come, each entry is stored by itself, under its own ID.
 */
import { type AgentKey, type HistoryEntry, encodeToSend, wireMessageId } from '@wakebus/protocol';
import { type Clock, delay } from './ports/clock.ts';
import type { EventLog } from './ports/event-log.ts';

/** Entries are gathered for so long, in milliseconds: acknowledgements of deliveries can wait a moment, and a busy node saves most answers. */
const GATHER_MS = 2;
/** Between two tries, in milliseconds. */
const RETRY_MS = 500;

interface Item {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly messageId: string;
}

export interface HistoryPorts {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly subjectOf: (key: AgentKey) => string;
  /** Whether this node may still act. */
  readonly mayAct: () => boolean;
}

export class HistoryWriter {
  readonly #ports: HistoryPorts;
  #gathered: Item[] = [];
  #stored: Promise<void> | undefined;

  constructor(ports: HistoryPorts) {
    this.#ports = ports;
  }

  /** Writes an entry. @returns when it is stored. */
  write(key: AgentKey, entry: HistoryEntry): Promise<void> {
    this.#gathered.push({
      subject: this.#ports.subjectOf(key),
      data: encodeToSend(entry),
      messageId: wireMessageId(key, entry.commit),
    });
    this.#stored ??= this.#flushSoon();
    return this.#stored;
  }

  async #flushSoon(): Promise<void> {
    await delay(this.#ports.clock, GATHER_MS);
    const items = this.#gathered;
    this.#gathered = [];
    this.#stored = undefined;
    const last = items.pop();
    if (last === undefined) return;
    for (const { subject, data, messageId } of items) this.#ports.log.appendLater(subject, data, { messageId });
    const outcome = await this.#ports.log.append(last.subject, last.data, { messageId: last.messageId });
    if (outcome.kind !== 'stored') await this.#storeEach([...items, last]);
  }

  async #storeEach(items: readonly Item[]): Promise<void> {
    for (const { subject, data, messageId } of items) {
      for (;;) {
        // Without its lease this node waits; whoever takes an agent over writes its last entry again.
        const outcome = this.#ports.mayAct() ? await this.#ports.log.append(subject, data, { messageId }) : undefined;
        if (outcome?.kind === 'stored') break;
        await delay(this.#ports.clock, RETRY_MS);
      }
    }
  }
}
