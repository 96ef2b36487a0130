/**
 * A client in a simulation: sends events one after the other per agent, repeats what was not confirmed
 * under the same ID, and writes down what became of each.
 */
import { type AgentKey, type Headers, decode, encode, header } from '@wakebus/protocol';
import { agentKey, partitionOf, wireMessageId } from '@wakebus/protocol';
import { type AppendOutcome, delay, type Ports } from '@wakebus/placement-node';
import type { ClientOperation } from '../checker/run-history.ts';
import type { Faults } from '../simulation/faults.ts';
import type { Prng } from '../simulation/prng.ts';

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
  /** Whether the client asks for an answer. @default false */
  readonly asks?: boolean;
}

/** What operators ask of an agent. */
export type ControlVerb = 'suspend' | 'release' | 'remove' | 'restore';

/** How often an operation is repeated before its outcome stays unknown. */
const MOST_TRIES = 8;
/** A full inbox is no reason to give up soon. */
const MOST_REFUSALS = 200;
/** An operator does not give up so soon. */
const MOST_CONTROL_TRIES = 100;
/** Wait before a repetition, in milliseconds. */
const RETRY_MS = 500;
/** A client that sends an event once more, long after it was confirmed, does so within this time, in milliseconds. */
const LATEST_DUPLICATE_MS = 30_000;

interface Publication {
  readonly agent: AgentKey;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly id: string;
  readonly headers: Headers;
}

export class SimulatedClient {
  readonly name: string;
  readonly #ports: Ports;
  readonly #faults: Faults;
  readonly #prng: Prng;
  readonly #operations: ClientOperation[] = [];
  readonly #queues = new Map<AgentKey, Promise<void>>();
  readonly #answers = new Map<string, unknown[]>();
  #open = 0;

  constructor(name: string, ports: Ports, faults: Faults, prng: Prng) {
    this.name = name;
    this.#ports = ports;
    this.#faults = faults;
    this.#prng = prng;
    ports.messenger.subscribe(`_INBOX.${name}.>`, ({ subject, data }) => this.#hear(subject, data));
  }

  /** What it did, each agent's in the order of sending. */
  get operations(): readonly ClientOperation[] {
    return this.#operations.map((operation) => {
      const answers = this.#answers.get(operation.id);
      return answers === undefined ? operation : { ...operation, answers };
    });
  }

  get isDone(): boolean {
    return this.#open === 0;
  }

  /** Sends an event when its time has come and everything before it to that agent is settled. */
  send(planned: PlannedOperation): void {
    const { id, agent, kind, payload, to, afterMs, asks = false } = planned;
    const publication: Publication = {
      agent,
      subject: this.#ports.layout.eventSubject(agent, kind),
      data: new TextEncoder().encode(JSON.stringify({ id, ...payload })),
      id,
      headers: asks ? { [header.reply]: `_INBOX.${this.name}.${id}` } : {},
    };
    const operation = { id, agent, kind, client: this.name, ...(to !== undefined && { to }) };
    this.#enqueue(agent, afterMs, async () => {
      const outcome = await this.#deliver(publication, MOST_TRIES);
      this.#operations.push({ ...operation, outcome });
      if (outcome === 'ok' && this.#faults.hits('duplicate')) this.#repeatLater(publication);
    });
  }

  /** Asks as an operator would, when the time has come and everything before it to that agent is settled. @param about - What else is said; nothing is asked where there is nothing. */
  control(
    id: string,
    agent: AgentKey,
    verb: ControlVerb,
    afterMs: number,
    about: () => object | undefined = () => ({}),
  ): void {
    const subject = this.#ports.layout.runtimeSubject(agent, 'control');
    this.#enqueue(agent, afterMs, async () => {
      const more = about();
      if (more === undefined) return;
      const publication = { agent, subject, data: encode({ v: 1, verb, ...more }), id, headers: {} };
      const outcome = await this.#deliver(publication, MOST_CONTROL_TRIES);
      this.#operations.push({ id, agent, kind: verb, outcome, client: this.name });
    });
  }

  #enqueue(agent: AgentKey, afterMs: number, run: () => Promise<void>): void {
    this.#open += 1;
    const due = Promise.all([this.#queues.get(agent), delay(this.#ports.clock, afterMs)]);
    this.#queues.set(
      agent,
      due.then(run).then(() => void (this.#open -= 1)),
    );
  }

  async #deliver(publication: Publication, mostTries: number): Promise<ClientOperation['outcome']> {
    let sure: ClientOperation['outcome'] = 'fail';
    for (let [tries, refusals] = [0, 0]; tries < mostTries && refusals < MOST_REFUSALS;) {
      const outcome = await this.#append(publication);
      if (outcome?.kind === 'stored') return 'ok';
      if (outcome?.kind === 'unknown') sure = 'info';
      if (outcome?.kind === 'full') refusals += 1;
      else tries += 1;
      await delay(this.#ports.clock, RETRY_MS);
    }
    return sure;
  }

  async #append({ agent, subject, data, id, headers }: Publication): Promise<AppendOutcome | undefined> {
    const { layout, inboxes } = this.#ports;
    const inbox = inboxes[layout.shardOf(partitionOf(agent, layout.partitions))];
    return inbox?.append(subject, data, { messageId: wireMessageId(agent, id), headers });
  }

  /** Once more what was confirmed, as a client does that lost its memory: the server may have forgotten the ID by then. */
  #repeatLater(publication: Publication): void {
    this.#open += 1;
    const laterMs = this.#prng.fraction() * LATEST_DUPLICATE_MS;
    void delay(this.#ports.clock, laterMs)
      .then(() => this.#append(publication))
      .then(() => void (this.#open -= 1));
  }

  #hear(subject: string, data: Uint8Array): void {
    const body = decode(data) as { readonly ok: boolean; readonly value?: unknown };
    // A refusal to repeat an old answer says nothing about the event.
    if (!body.ok) return;
    const id = subject.slice(subject.lastIndexOf('.') + 1);
    const answers = this.#answers.get(id);
    if (answers === undefined) this.#answers.set(id, [body.value]);
    else answers.push(body.value);
  }
}

/** The key of the n-th agent of a type. */
export function numberedAgent(type: string, number: number): AgentKey {
  return agentKey(type, `a${number}`);
}
