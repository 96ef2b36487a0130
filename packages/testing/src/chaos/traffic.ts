/**
 * What clients do while faults happen: the simulator's ledger and bank, and purchases, sent through real clients.
 *
 * Each worker sends one event after the other and writes down what became of it. No answer in time is
 * `info`: the event may be there or not, and either is right.
 */
import { type AgentKey, addressOf, agentKey, isWakebusError, parseAddress, splitKey } from '@wakebus/protocol';
import type { ClientOperation } from '../checker/run-history.ts';
import { Prng } from '../simulation/prng.ts';
import { bank } from '../workloads/bank.ts';
import { ledger } from '../workloads/ledger.ts';
import type { PlannedOperation } from '../workloads/simulated-client.ts';
import type { Workload, WorkloadDriver } from '../workloads/workload.ts';
import { chaosPurchases } from './chaos-purchases.ts';
import type { AttachedClient } from './cluster.ts';
import type { Till } from './till.ts';

export interface TrafficOptions {
  readonly seed: number;
  /** Stands before the number of each agent, so that each part of a run has its own. */
  readonly part: string;
  /** Ledgers; there are half as many accounts, and half as many buyers. */
  readonly agents: number;
  /** Where buyers buy. Without one there are none. */
  readonly till?: Till;
  /** Workers of each client. Every third one is the bank's, and another third buys, where there is a till. */
  readonly workers: number;
  /** Pause of a worker after each event, in milliseconds. */
  readonly paceMs: number;
}

/** An event is given up after so long, in milliseconds: longer than two elections. */
const DEADLINE_MS = 25_000;
/** Timers are due within so long, in milliseconds: a part's end waits for them. */
const LONGEST_TIMER_MS = 2_500;
/** Events that a worker plans at once. */
const PLANNED_AHEAD = 32;

/** The clients' side of one part of a run. */
export class Traffic {
  readonly workloads: ReadonlyArray<Workload<WorkloadDriver>>;
  readonly #options: TrafficOptions;
  readonly #operations: ClientOperation[] = [];
  readonly #workers: ReadonlyArray<Promise<void>>;
  #isOver = false;
  #gate: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;
  #inFlight = 0;
  #lastMs = performance.now();
  #longestStallMs = 0;

  constructor(clients: readonly AttachedClient[], options: TrafficOptions) {
    this.#options = options;
    const { agents, part, till, workers } = options;
    const half = Math.max(2, Math.floor(agents / 2));
    const ledgers = ledger({ agents, longestDelayMs: LONGEST_TIMER_MS });
    const kinds = [ledgers, till === undefined ? ledgers : chaosPurchases(till, part, half), bank(half)] as const;
    this.workloads = [...new Set(kinds)];
    this.#workers = clients.flatMap((client) =>
      Array.from({ length: workers }, (_, i) => this.#work(client, `${client.name}.${i}`, kinds[i % 3] ?? ledgers)),
    );
  }

  /** What was sent; per worker in the order of sending. */
  get operations(): readonly ClientOperation[] {
    return this.#operations;
  }

  /** Agents that were sent to, or that others were told to send to. */
  get agents(): ReadonlySet<AgentKey> {
    return new Set(
      this.#operations.flatMap(({ agent, to }) => (to === undefined ? [agent] : [agent, parseAddress(to)])),
    );
  }

  /** Longest time without any confirmed event since this was last asked, in milliseconds. */
  takeLongestStall(): number {
    this.#noteStall();
    const longestMs = this.#longestStallMs;
    this.#longestStallMs = 0;
    return longestMs;
  }

  /** Holds the workers back; resolves when nothing of theirs is on its way. */
  async hold(): Promise<void> {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#lastMs = performance.now();
  }

  /** Lets the workers go on. */
  release(): void {
    this.#lastMs = performance.now();
    this.#open?.();
  }

  /** Ends the workers, each after the event that it is sending. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.release();
    await Promise.all(this.#workers);
  }

  /**
   * Sends one event and writes down what became of it.
   *
   * @param how - `call` also waits until the agent has taken it.
   * @returns whether it was confirmed.
   */
  async send({ client, name }: AttachedClient, planned: Sent, how: 'send' | 'call' = 'send'): Promise<boolean> {
    const { id, agent, kind, payload, to } = planned;
    const [type, agentId] = addressOf(agent).split('/') as [string, string];
    const event = { type: kind, id, ...payload };
    const handle = client.agent(type, agentId);
    const answers: unknown[] = [];
    const outcome = await handle[how](event as never, { id, deadlineMs: DEADLINE_MS }).then((answer) => {
      if (how === 'call') answers.push(answer);
      return 'ok' as const;
    }, outcomeOf);
    this.#operations.push({
      id,
      agent,
      kind,
      outcome,
      client: planned.worker ?? name,
      ...(to !== undefined && { to }),
      ...(answers.length > 0 && { answers }),
    });
    if (outcome === 'ok') this.#noteStall();
    return outcome === 'ok';
  }

  #noteStall(): void {
    const nowMs = performance.now();
    this.#longestStallMs = Math.max(this.#longestStallMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  async #work(client: AttachedClient, worker: string, workload: Workload<WorkloadDriver>): Promise<void> {
    const prng = new Prng(this.#options.seed, `${this.#options.part}/${worker}`);
    for (let slice = 0; !this.#isOver; slice += 1) {
      for (const planned of this.#plan(prng, workload, `${this.#options.part}.${worker}.${slice}`)) {
        await this.#gate;
        if (this.#isOver) return;
        this.#inFlight += 1;
        await this.send(client, { ...planned, worker }, planned.asks === true ? 'call' : 'send');
        this.#inFlight -= 1;
        await new Promise((resolve) => setTimeout(resolve, this.#options.paceMs));
      }
    }
  }

  /** Some events as the workload would have a simulated client send them, to this part's agents. */
  #plan(prng: Prng, workload: Workload<WorkloadDriver>, name: string): readonly PlannedOperation[] {
    const planned: PlannedOperation[] = [];
    const send = (operation: PlannedOperation): void => void planned.push(this.#intoPart(operation));
    workload.drive({ prng, clients: [{ name, send }], operations: PLANNED_AHEAD, spreadMs: 0 });
    return planned;
  }

  /** A transfer names its receiver only in its payload, the ledger's `pass` in both. */
  #intoPart({ agent, to, payload, ...planned }: PlannedOperation): PlannedOperation {
    const { part } = this.#options;
    const there = (payload as { readonly to?: string }).to;
    return {
      ...planned,
      agent: keyInPart(part, agent),
      payload: there === undefined ? payload : { ...payload, to: addressOf(keyInPart(part, parseAddress(there))) },
      ...(to !== undefined && { to: addressOf(keyInPart(part, parseAddress(to))) }),
    };
  }
}

/** An event to send now. */
export type Sent = Omit<PlannedOperation, 'afterMs'> & {
  /** Who sends, where a client has several senders. */
  readonly worker?: string;
};

/** Surely not stored, or nobody knows. */
function outcomeOf(error: unknown): 'fail' | 'info' {
  return isWakebusError(error, 'UNAVAILABLE') || isWakebusError(error, 'INBOX_FULL') ? 'fail' : 'info';
}

function keyInPart(part: string, key: AgentKey): AgentKey {
  const { type, idToken } = splitKey(key);
  return agentKey(type, `${part}-${idToken}`);
}
