/**
 * A client in a simulation: sends events one after the other per agent, repeats what was not confirmed
 * under the same ID, and writes down what became of each.
 */
import type { AgentKey } from '@wakebus/protocol';
import { agentKey, partitionOf, wireMessageId } from '@wakebus/protocol';
import { delay, type Ports } from '@wakebus/placement-node';
import type { ClientOperation } from '../checker/run-history.ts';

/** An event that a client sends, of some kind that the workload's checker knows. */
export interface PlannedOperation {
  readonly id: string;
  readonly agent: AgentKey;
  readonly kind: string;
  readonly payload: object;
  /** Address of the agent that the event makes its receiver send to. */
  readonly to?: string;
  /** When it is sent at the earliest, in milliseconds from now. */
  readonly afterMs: number;
}

/** How often an operation is repeated before its outcome stays unknown. */
const MOST_TRIES = 8;
/** Wait before a repetition, in milliseconds. */
const RETRY_MS = 500;

export class SimulatedClient {
  readonly name: string;
  readonly #ports: Ports;
  readonly #operations: ClientOperation[] = [];
  readonly #queues = new Map<AgentKey, Promise<void>>();
  #open = 0;

  constructor(name: string, ports: Ports) {
    this.name = name;
    this.#ports = ports;
  }

  /** What it did, each agent's in the order of sending. */
  get operations(): readonly ClientOperation[] {
    return this.#operations;
  }

  get isDone(): boolean {
    return this.#open === 0;
  }

  /** Sends an event when its time has come and everything before it to that agent is settled. */
  send(planned: PlannedOperation): void {
    this.#open += 1;
    const due = delay(this.#ports.clock, planned.afterMs);
    this.#queues.set(planned.agent, this.#sendAfter(Promise.all([this.#queues.get(planned.agent), due]), planned));
  }

  async #sendAfter(before: Promise<unknown>, planned: PlannedOperation): Promise<void> {
    await before;
    const outcome = await this.#deliver(planned);
    const { id, agent, kind, to } = planned;
    this.#operations.push({ id, agent, kind, outcome, client: this.name, ...(to !== undefined && { to }) });
    this.#open -= 1;
  }

  async #deliver({ id, agent, kind, payload }: PlannedOperation): Promise<ClientOperation['outcome']> {
    const { layout, inboxes, clock } = this.#ports;
    const inbox = inboxes[layout.shardOf(partitionOf(agent, layout.partitions))];
    const data = new TextEncoder().encode(JSON.stringify({ id, ...payload }));
    let sure: ClientOperation['outcome'] = 'fail';
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const outcome = await inbox?.append(layout.eventSubject(agent, kind), data, {
        messageId: wireMessageId(agent, id),
      });
      if (outcome?.kind === 'stored') return 'ok';
      if (outcome?.kind === 'unknown') sure = 'info';
      await delay(clock, RETRY_MS);
    }
    return sure;
  }
}

/** The key of the n-th agent of a type. */
export function numberedAgent(type: string, number: number): AgentKey {
  return agentKey(type, `a${number}`);
}
