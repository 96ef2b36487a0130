/**
 * The operations of a trace on logs, chunks and timers, as one side runs them.
 */
import type { EventLog, Ports } from '@wakebus/placement-node';
import {
  LOGS,
  type AppendOperation,
  type Expectation,
  type Index,
  type LogName,
  type Process,
  type TraceOperation,
} from './operation.ts';
import { type Outcome, ofAppend, ofBytes, ofMessage } from './outcome.ts';
import type { Moment } from './moment.ts';
import type { Scene } from './scene.ts';

/** Who reads what any replica may answer: not the first writer, so that in a cluster another server is asked. */
const READER: Process = 1;
/** Further than any trace comes. */
const BEYOND = 1_000;
/** What fires is kept for a day, as the runtime has it. */
const FIRED_TTL_MS = 24 * 60 * 60 * 1000;

export type LogPartOperation = Extract<
  TraceOperation,
  {
    do:
      | 'append'
      | 'append later'
      | 'read'
      | 'get'
      | 'last'
      | 'subjects'
      | 'info'
      | 'purge'
      | 'put chunk'
      | 'get chunk'
      | 'arm'
      | 'cancel'
      | 'timers';
  }
>;

export class LogPart {
  readonly #processes: readonly [Ports, Ports];
  readonly #scene: Scene;
  /** Sequences that were given out, by log and subject, oldest first. */
  readonly #seqs = new Map<string, number[]>();
  /** The last sequence of each log before the trace. */
  readonly #bases = new Map<LogName, number>();
  #timersBase = 0;

  constructor(processes: readonly [Ports, Ports], scene: Scene) {
    this.#processes = processes;
    this.#scene = scene;
  }

  /** Empties all logs, and notes where they stand. */
  async begin(): Promise<void> {
    for (const log of LOGS) {
      await this.#log(log).purge(this.#scene.filter(log, 'all'));
      this.#bases.set(log, (await this.#log(log).info()).lastSeq);
    }
    const { timers } = this;
    for (const subject of (await timers.subjects('>')).keys()) await timers.purge(subject);
    this.#timersBase = (await timers.info()).lastSeq;
  }

  get timers(): EventLog {
    return this.#processes[0].timers[0] as EventLog;
  }

  base(log: LogName): number {
    return this.#bases.get(log) ?? 0;
  }

  async apply(operation: LogPartOperation, moment: Moment): Promise<Outcome> {
    switch (operation.do) {
      case 'append':
        return this.#append(operation, moment);
      case 'append later':
        return this.#appendLater(operation, moment);
      case 'put chunk':
        await this.#processes[0].chunks.put(this.#scene.chunk(operation.chunk, operation.size));
        return 'put';
      case 'get chunk':
        return this.#getChunk(operation.chunk);
      case 'arm':
        return this.#arm(operation, moment);
      case 'cancel':
        return this.timers.purge(this.#scene.timer(operation.agent, operation.timer));
      case 'timers':
        return sortedEntries(
          await this.timers.subjects(this.#scene.layout.timersFilter(this.#scene.agent(operation.agent))),
        );
      default:
        return this.#look(operation);
    }
  }

  /** What every log holds, as its leader says. */
  async holdings(): Promise<Outcome> {
    const held: Record<string, Outcome> = {};
    for (const log of LOGS) {
      const { lastSeq, messages } = await this.#log(log).info();
      const subjects = sortedEntries(await this.#log(log).subjects(this.#scene.filter(log, 'all')));
      held[log] = { lastSeq: lastSeq - this.base(log), messages, subjects };
    }
    const { lastSeq } = await this.timers.info();
    return { ...held, timers: [lastSeq - this.#timersBase, sortedEntries(await this.timers.subjects('>'))] };
  }

  /** Every message of every log. */
  async contents(): Promise<Outcome> {
    const all: Record<string, Outcome> = {};
    for (const log of LOGS) {
      const messages = await this.#log(log).read(this.#scene.filter(log, 'all'), 0, 1_000);
      all[log] = messages.map((message) => ofMessage(message, this.base(log)));
    }
    const timers = await this.timers.read('>', 0, 1_000);
    return { ...all, timers: timers.map((message) => ofMessage(message, this.#timersBase)) };
  }

  #log(log: LogName, by: 0 | 1 = 0): EventLog {
    const ports = this.#processes[by];
    return log === 'inbox' ? (ports.inboxes[0] as EventLog) : ports[log];
  }

  async #append(operation: AppendOperation, { index }: Moment): Promise<Outcome> {
    const { log, agent, by, id, expect, size, headers, runtime } = operation;
    const subject = this.#scene.subject(log, agent, runtime);
    const outcome = await this.#log(log, by).append(subject, this.#scene.body(`message ${index}`, size), {
      ...this.#scene.headers(headers),
      ...(id !== undefined && { messageId: this.#scene.messageId(id) }),
      ...(expect !== undefined && { expectedSubjectSeq: this.#expected(log, subject, expect) }),
    });
    if (outcome.kind === 'stored' && !outcome.duplicate) this.#note(log, subject, outcome.seq);
    return ofAppend(outcome, this.base(log));
  }

  /** Followed by an append that is waited for: one connection keeps their order, and its sequence shows what became of the first. */
  async #appendLater(
    { log, agent, id }: Extract<LogPartOperation, { do: 'append later' }>,
    { index }: Moment,
  ): Promise<Outcome> {
    const subject = this.#scene.subject(log, agent);
    const options = id === undefined ? {} : { messageId: this.#scene.messageId(id) };
    this.#log(log).appendLater(subject, this.#scene.body(`message ${index}, not waited for`), options);
    const outcome = await this.#log(log).append(subject, this.#scene.body(`message ${index}`));
    if (outcome.kind === 'stored') this.#note(log, subject, outcome.seq);
    return ofAppend(outcome, this.base(log));
  }

  async #look(
    operation: Extract<LogPartOperation, { do: 'read' | 'get' | 'last' | 'subjects' | 'info' | 'purge' }>,
  ): Promise<Outcome> {
    const { log } = operation;
    const port = this.#log(log);
    const base = this.base(log);
    if (operation.do === 'info') {
      const { lastSeq, messages, fill } = await port.info();
      return { lastSeq: lastSeq - base, messages, fill: fill.toFixed(6) };
    }
    if (operation.do === 'get')
      return ofMessage(
        await port.get(this.#expected(log, this.#scene.subject(log, operation.agent), operation.at) || base + BEYOND),
        base,
      );
    const filter = this.#scene.filter(log, operation.whose);
    if (operation.do === 'last') return ofMessage(await port.last(filter), base);
    if (operation.do === 'subjects') return sortedEntries(await port.subjects(filter));
    if (operation.do === 'purge') return port.purge(filter);
    const { from, limit, whose } = operation;
    const subject = this.#scene.subject(log, whose === 'all' ? 0 : whose);
    const fromSeq = from === 'start' ? 0 : this.#expected(log, subject, from);
    return (await this.#log(log, READER).read(filter, fromSeq, limit)).map((message) => ofMessage(message, base));
  }

  async #getChunk(chunk: Index): Promise<Outcome> {
    const [small, large] = [this.#scene.chunk(chunk), this.#scene.chunk(chunk, 'large')];
    const store = this.#processes[READER].chunks;
    return [ofBytes(await store.get(await hashOf(small))), ofBytes(await store.get(await hashOf(large)))];
  }

  async #arm(
    { agent, timer, dueInMs }: Extract<LogPartOperation, { do: 'arm' }>,
    { index, wallMs }: Moment,
  ): Promise<Outcome> {
    const target = this.#scene.layout.fireSubject(this.#scene.agent(agent));
    const schedule = { atMs: wallMs + dueInMs, target, ttlMs: FIRED_TTL_MS };
    const outcome = await this.timers.append(this.#scene.timer(agent, timer), this.#scene.body(`timer ${index}`), {
      schedule,
    });
    return ofAppend(outcome, this.#timersBase);
  }

  #expected(log: LogName, subject: string, expectation: Expectation): number {
    const seqs = this.#seqs.get(`${log} ${subject}`) ?? [];
    if (expectation === 'none') return 0;
    if (expectation === 'beyond') return this.base(log) + BEYOND;
    return seqs.at(expectation === 'last' ? -1 : -2) ?? 0;
  }

  #note(log: LogName, subject: string, seq: number): void {
    const seqs = this.#seqs.get(`${log} ${subject}`);
    if (seqs === undefined) this.#seqs.set(`${log} ${subject}`, [seq]);
    else seqs.push(seq);
  }
}

function sortedEntries(map: ReadonlyMap<string, number>): Array<[string, number]> {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))).toString('hex');
}
