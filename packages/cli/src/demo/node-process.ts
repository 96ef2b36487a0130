/**
 * A placement node's process, as the demo handles it: start, kill, pause, continue, drain.
 */
import type { AgentKey } from '@wakebus/protocol';
import type { Guard } from './guard.ts';
import { GuardedProcess } from './guarded-process.ts';
import type { FromNode, NodeSetting, ToNode } from './node-messages.ts';

/** Draining is bounded by 10 s in the placement node itself. More than this, in milliseconds, is wrong. */
const DRAIN_MS = 15_000;
/** A stopped node is told to go on this often, in milliseconds. */
const SIGNAL_EVERY_MS = 10;

/** One placement node's process. */
export class NodeProcess {
  readonly name: string;
  readonly #process: GuardedProcess<FromNode>;
  #stoppedOn: AgentKey | undefined;

  private constructor(setting: NodeSetting, guard: Guard) {
    this.name = setting.name;
    const start = { program: 'node-main', title: `placement node ${setting.name}`, setting };
    this.#process = new GuardedProcess<FromNode>(start, guard, (message) => {
      if (message.kind === 'stopping') this.#stoppedOn = message.key;
    });
  }

  /** Starts a process and waits until its placement node has joined. */
  static async start(setting: NodeSetting, guard: Guard): Promise<NodeProcess> {
    const node = new NodeProcess(setting, guard);
    await node.#process.next('ready');
    return node;
  }

  /** The agent on whose commit it stopped, once it has. */
  get stoppedOn(): AgentKey | undefined {
    return this.#stoppedOn;
  }

  /** What it wrote last. */
  get complaints(): string {
    return this.#process.complaints;
  }

  /** Asks it to stop in front of the next commit of this agent, or of none. It stops at most once in its life. */
  async arm(key: AgentKey | undefined): Promise<void> {
    if (this.#stoppedOn !== undefined || this.#process.hasEnded) return;
    const heard = this.#process.next('armed', 'stopping');
    this.#send({ kind: 'arm', key });
    await heard;
  }

  /** Lets it run on, until it answers: it says that it stops a moment before it does, and a signal in between is lost. */
  async resume(): Promise<void> {
    this.#stoppedOn = undefined;
    const running = this.#process.next('armed');
    this.#send({ kind: 'arm', key: undefined });
    const signals = setInterval(() => this.#process.signal('SIGCONT'), SIGNAL_EVERY_MS);
    await running.finally(() => clearInterval(signals));
  }

  /** Kills it without a warning. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Lets it finish its work and leave. @returns whether it did; one that takes too long is killed. */
  async drain(): Promise<boolean> {
    if (this.#process.hasEnded) return false;
    const exited = this.#process.exited();
    const impatience = setTimeout(() => this.#process.signal('SIGKILL'), DRAIN_MS);
    this.#send({ kind: 'drain' });
    await exited;
    clearTimeout(impatience);
    return this.#process.hasSucceeded;
  }

  #send(message: ToNode): void {
    this.#process.send(message);
  }
}
