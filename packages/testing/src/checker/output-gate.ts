/**
 * "Output gate": a message to another agent is stored only after the commit that it came from; and what caused it
 * leaves the inbox only once it is stored.
 *
 * Watched while the run goes on; judged afterwards, by what the sender's record said then. Another try of a lost
 * turn gives the same message again, so what arrives would not show it.
 */
import { type AgentKey, isWakebusError, readAgentMessage } from '@wakebus/protocol';
import type { MemoryServer } from '../memory/memory-server.ts';
import type { RecordWrite, RunHistory, Violation } from './run-history.ts';

/** What happened to a message, and how often the record of its agent had been written by then. */
interface Sighting {
  readonly key: AgentKey;
  /** Not its revision: a record that vanishes has none, and what it has committed is still committed. */
  readonly writes: number;
}

interface Sending extends Sighting {
  readonly receiver: AgentKey;
  readonly incarnation: number;
  readonly number: number;
}

interface Removal extends Sighting {
  readonly seq: number;
  /** How many messages had been sent by then, of all agents. */
  readonly sent: number;
}

/** A schedule stands for an outbox that a full inbox does not take, for so long after it was armed, in milliseconds. */
const GUARDED_MS = 60_000;

export class OutputWatch {
  readonly #server: MemoryServer;
  readonly #sendings: Sending[] = [];
  readonly #removals: Removal[] = [];
  /** When a schedule was last armed in place of an agent's outbox. */
  readonly #guardedMs = new Map<string, number>();

  constructor(server: MemoryServer) {
    this.#server = server;
    for (const { inbox, timers } of server.shards) {
      inbox.listen({
        stored: ({ subject, data }) => this.#noteSending(subject, data),
        removed: (seq, subject) => this.#noteRemoval(seq, subject),
      });
      timers.listen({ stored: ({ subject, storedMs }) => void this.#guardedMs.set(subject, storedMs) });
    }
  }

  /** Messages that no commit had made when they were sent, and inputs that left before what they had caused. */
  check({ agents }: RunHistory): Violation[] {
    const writesBefore = ({ key, writes }: Sighting): readonly RecordWrite[] =>
      agents.get(key)?.writes.slice(0, writes) ?? [];
    const sentAs = new Map<string, number>();
    const early = this.#sendings.flatMap((sending, i) => {
      const { key, receiver, incarnation, number } = sending;
      const name = nameOf(key, receiver, incarnation, number);
      if (!sentAs.has(name)) sentAs.set(name, i);
      const source = writesBefore(sending).findLast(({ record }) => {
        const committed = record?.peers.get(receiver)?.number ?? 0;
        return record !== undefined && (record.incarnation > incarnation || committed >= number);
      });
      return source ? [] : [`${key} → ${receiver}: message ${number} was sent before a commit had made it`];
    });
    const aside = new Map([...agents].map(([key, agent]) => [key, furthestAside(agent.writes)]));
    const left = this.#removals.flatMap((removal) => {
      const { key, seq, sent } = removal;
      // What stood aside had left before it was processed.
      if (seq <= (aside.get(key) ?? 0)) return [];
      const record = writesBefore(removal).at(-1)?.record;
      const owed = record?.outbox.find(
        ({ id, to, incarnation, number }) =>
          id.startsWith(`${seq}.`) && (sentAs.get(nameOf(key, to, incarnation, number)) ?? Infinity) >= sent,
      );
      return owed === undefined ? [] : [`${key}: message ${seq} left before its message to ${owed.to} was handed over`];
    });
    return [...early, ...left];
  }

  #noteSending(subject: string, data: Uint8Array): void {
    const read = this.#server.layout.readInboxSubject(subject);
    if (read?.kind !== 'message') return;
    try {
      const { sender, incarnation, number } = readAgentMessage(data);
      const writes = this.#server.agents.writes(sender).length;
      this.#sendings.push({ key: sender, receiver: read.key as AgentKey, incarnation, number, writes });
    } catch (thrown) {
      if (!isWakebusError(thrown)) throw thrown; // The receiver finds out that it cannot be read.
    }
  }

  #noteRemoval(seq: number, subject: string): void {
    const { layout, agents } = this.#server;
    const key = layout.readInboxSubject(subject)?.key as AgentKey | undefined;
    if (key === undefined) return;
    const guardedMs = this.#guardedMs.get(layout.timerSubject(key, 'relay')) ?? -Infinity;
    if (this.#server.nowMs() - guardedMs < GUARDED_MS) return;
    this.#removals.push({ key, seq, writes: agents.writes(key).length, sent: this.#sendings.length });
  }
}

/** The last message that ever stood aside. */
function furthestAside(writes: readonly RecordWrite[]): number {
  return writes.reduce((furthest, { record }) => Math.max(furthest, record?.held?.upTo ?? 0), 0);
}

function nameOf(sender: string, receiver: string, incarnation: number, number: number): string {
  return `${sender} ${receiver} ${incarnation} ${number}`;
}
