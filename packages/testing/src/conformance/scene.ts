/**
 * The names that one trace plays with. No two traces share any, so that many can run on one deployment.
 */
import { type AgentKey, type Headers, type Layout, agentKey } from '@wakebus/protocol';
import type { Index, LogName, Size, Whose } from './operation.ts';

const encoder = new TextEncoder();
/** Sizes in bytes: an inbox takes 320 KiB a message, a server 1 MiB. */
const SIZES: Readonly<Record<Exclude<Size, 'small'>, number>> = { empty: 0, large: 400 * 1024, huge: 1200 * 1024 };

export class Scene {
  readonly layout: Layout;
  readonly #types: readonly [string, string];
  readonly #pool: string;
  readonly #number: number;
  readonly #agents: readonly AgentKey[];

  /** @param number - Which trace of its deployment it is. */
  constructor(layout: Layout, number: number) {
    this.layout = layout;
    this.#number = number;
    this.#pool = `pool${number}`;
    this.#types = [`a${number}`, `b${number}`];
    const [first, second] = this.#types;
    this.#agents = [agentKey(first, 'ann'), agentKey(first, 'bob'), agentKey(second, 'cid')];
  }

  agent(index: Index): AgentKey {
    return this.#agents[index] as AgentKey;
  }

  /** Where a message for an agent is appended. */
  subject(log: LogName, index: Index, runtime = false): string {
    const key = this.agent(index);
    const { layout } = this;
    if (log === 'births') return layout.birthSubject(key);
    if (log === 'held') return layout.heldSubject(key);
    if (log === 'deadLetters') return layout.deadLetterSubject(key);
    if (log === 'history') return layout.historySubject(key);
    return runtime ? layout.runtimeSubject(key, 'message') : layout.eventSubject(key, 'said');
  }

  /** What selects an agent's messages, or all. */
  filter(log: LogName, whose: Whose): string {
    const { layout } = this;
    if (log === 'inbox') return whose === 'all' ? layout.inboxFilter() : layout.mailboxFilter(this.agent(whose));
    const key = whose === 'all' ? '>' : this.agent(whose);
    if (log === 'births') return layout.birthSubject(key);
    if (log === 'held') return layout.heldSubject(key);
    if (log === 'deadLetters') return layout.deadLetterSubject(key);
    return layout.historySubject(key);
  }

  timer(agent: Index, timer: Index): string {
    return this.layout.timerSubject(this.agent(agent), `timer${timer}`);
  }

  key(index: Index): string {
    return `k${this.#number}.${index}`;
  }

  /** The key of the first write of a trace: its revision is where the trace's own begin. */
  get originKey(): string {
    return `k${this.#number}.origin`;
  }

  keyFilter(whose: Whose): string {
    return whose === 'all' ? `k${this.#number}.*` : this.key(whose);
  }

  consumer(partition: number): string {
    return this.layout.consumerName(this.#pool, partition);
  }

  consumerFilters(partition: number, types: 1 | 2): string[] {
    return this.#types.slice(0, types).map((type) => this.layout.partitionFilter(partition, type));
  }

  messageId(index: Index): string {
    return `id ${this.#number} ${index}`;
  }

  headers(wanted: boolean | undefined): { headers?: Headers } {
    return wanted === true ? { headers: { traceparent: '00-1', 'X-Ü': 'grüße' } } : {};
  }

  /** A payload; small ones say what they are. */
  body(what: string, size: Size = 'small'): Uint8Array {
    return size === 'small' ? encoder.encode(what) : new Uint8Array(SIZES[size]).fill(65);
  }

  /** A chunk's payload: nobody else's. */
  chunk(index: Index, size: Size = 'small'): Uint8Array {
    const bytes = encoder.encode(`chunk ${this.layout.prefix} ${this.#number} ${index}`);
    if (size === 'small' || size === 'empty') return bytes;
    const large = new Uint8Array(SIZES[size]);
    large.set(bytes);
    return large;
  }
}
