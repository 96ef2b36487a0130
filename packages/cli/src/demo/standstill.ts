/**
 * The standstill: one placement node stops between a turn and its commit, and comes back when its agent
 * has gone on without it.
 *
 * It comes back at the worst moment for a system without a fence: a later delivery of the agent has been
 * processed and acknowledged, and the agent sleeps. What it writes now would undo that delivery for good.
 */
import { type AgentKey, addressOf, agentKey, callerMessageId, header } from '@wakebus/protocol';
import type { Delivery } from './deliveries.ts';
import type { Book } from './machines/ledger.ts';
import type { NodeProcess } from './node-process.ts';
import type { Patience } from './patience.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';
import { messageIdOf } from './webhook.ts';

/** The agent in whose commit the node stood still, and for how long. */
export interface Standing {
  readonly address: string;
  readonly forMs: number;
}

/** The agent has a delivery so many later, or after that: the server has gone by then, if it goes in the standstill. */
const FAR = 12;
/** The agent gets no delivery among so many next ones: nothing of it is on its way. */
const QUIET = 15;
/** More messages than an agent of the demo ever has waiting. */
const MANY = 200;

export class Standstill {
  readonly #stage: Stage;
  readonly #deliveries: readonly Delivery[];
  readonly #patience: Patience;
  readonly #progress: Progress;
  /** Deliveries sent so far. */
  #sent = 0;

  constructor(stage: Stage, deliveries: readonly Delivery[], patience: Patience, progress: Progress) {
    this.#stage = stage;
    this.#deliveries = deliveries;
    this.#patience = patience;
    this.#progress = progress;
  }

  /** Tells how far the sending is. */
  sent(count: number): void {
    this.#sent = count;
  }

  /**
   * Arms both nodes for the delivery that is sent next, if its agent can go on without its node: more
   * deliveries follow. A repository also gets reports, which nobody can count in advance.
   */
  async arm(index: number): Promise<void> {
    const { agentType } = this.#deliveries[index] ?? {};
    const key = index < this.#deliveries.length && agentType !== 'repository' ? this.#keyAt(index) : undefined;
    const follows = key !== undefined && this.#indexesOf(key).some((other) => other >= index + FAR);
    await Promise.all(this.#stage.nodes.map((node) => node.arm(follows ? key : undefined)));
  }

  /**
   * Waits for the moment to come back, and comes back.
   *
   * @param sleeper - The node that has stopped.
   * @param leastMs - Not before so long, in milliseconds.
   * @param from - Only this delivery and later ones count as moving on: what the node has been sent before, it has.
   */
  async end(sleeper: NodeProcess, leastMs: number, from: number): Promise<Standing> {
    const key = sleeper.stoppedOn as AgentKey;
    const address = addressOf(key);
    // The one that takes the agent over must not stop on it, too; while a new node joins, both may have had it.
    await Promise.all(this.#stage.nodes.map((node) => node.arm(undefined)));
    const others = this.#stage.nodes.filter((node) => node !== sleeper && node.stoppedOn !== undefined);
    await Promise.all(others.map((node) => node.resume()));
    const startedMs = Date.now();
    this.#progress.step(`placement node ${sleeper.name} is paused (SIGSTOP) inside a commit of ${address}`);
    await this.#patience.pause(leastMs);
    const hasMovedOn = await this.#patience.until(() => this.#hasMovedOn(key, from));
    if (!hasMovedOn)
      throw new Error(`${address} did not move on while its placement node stood still: ${await this.#stateOf(key)}`);
    const forMs = Date.now() - startedMs;
    await sleeper.resume();
    this.#progress.step(`placement node ${sleeper.name} goes on (SIGCONT) after ${(forMs / 1000).toFixed(1)} s`);
    return { address, forMs };
  }

  async #hasMovedOn(key: AgentKey, from: number): Promise<boolean> {
    const agent = await this.#stage.client.inspect(addressOf(key));
    if (agent?.lifecycle.name !== 'asleep' || !this.#isQuiet(key)) return false;
    const { count } = (agent.context as { book: Book }).book;
    const taken = this.#indexesOf(key).slice(0, count);
    const waiting = await this.#waiting(key);
    return taken.some((index) => index >= from && !waiting.has(messageIdOf(this.#deliveries[index] as Delivery)));
  }

  /** What an agent is doing, for somebody who must find out why it does not go on. */
  async #stateOf(key: AgentKey): Promise<string> {
    const agent = await this.#stage.client.inspect(addressOf(key));
    const waiting = [...(await this.#waiting(key))].join(', ');
    return `${agent?.lifecycle.name ?? 'unborn'} after ${agent?.turns ?? 0} turns, waiting: ${waiting || 'nothing'}`;
  }

  #isQuiet(key: AgentKey): boolean {
    const next = this.#indexesOf(key).find((index) => index >= this.#sent);
    return next === undefined || next > this.#sent + QUIET;
  }

  /** IDs of the agent's messages that nobody has acknowledged. */
  async #waiting(key: AgentKey): Promise<ReadonlySet<string>> {
    const { inboxes, layout } = this.#stage.ports;
    const inbox = inboxes[layout.shardOf(layout.partitionOf(key))];
    const messages = (await inbox?.read(layout.mailboxFilter(key), 0, MANY)) ?? [];
    return new Set(messages.map(({ headers }) => callerMessageId(key, headers[header.messageId] ?? '')));
  }

  #indexesOf(key: AgentKey): readonly number[] {
    return this.#deliveries.flatMap((_, index) => (this.#keyAt(index) === key ? [index] : []));
  }

  #keyAt(index: number): AgentKey {
    const { agentType, agentId } = this.#deliveries[index] as Delivery;
    return agentKey(agentType, agentId);
  }
}
