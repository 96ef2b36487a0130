/**
 * A placement node's process, as the demo handles it: start, kill, pause, continue, drain.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AgentKey } from '@wakebus/protocol';
import type { Guard } from './guard.ts';
import type { FromNode, NodeSetting, ToNode } from './node-messages.ts';

interface Waiter {
  readonly kinds: ReadonlyArray<FromNode['kind']>;
  readonly resolve: (message: FromNode) => void;
  readonly reject: (error: Error) => void;
}

/** Draining is bounded by 10 s in the placement node itself. More than this, in milliseconds, is wrong. */
const DRAIN_MS = 15_000;
/** A stopped node is told to go on this often, in milliseconds. */
const SIGNAL_EVERY_MS = 10;
/** Lines that a failure shows of what a node wrote. */
const SHOWN_LINES = 12;

/** One placement node's process. */
export class NodeProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  #waiting: readonly Waiter[] = [];
  #nodeId = '';
  #ended: Error | undefined;
  #stoppedOn: AgentKey | undefined;
  #stderr = '';

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    child.on('message', (message: FromNode) => this.#take(message));
    child.on('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
  }

  /** Starts a process and waits until its placement node has joined. */
  static async start(setting: NodeSetting, guard: Guard): Promise<NodeProcess> {
    // The same file whether this runs from its sources or built.
    const main = new URL(`./node-main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
    const child = fork(fileURLToPath(main), [JSON.stringify(setting)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    if (child.pid !== undefined) guard.watch(child.pid);
    const node = new NodeProcess(setting.name, child);
    await node.#next('ready');
    return node;
  }

  get nodeId(): string {
    return this.#nodeId;
  }

  /** The agent on whose commit it stopped, once it has. */
  get stoppedOn(): AgentKey | undefined {
    return this.#stoppedOn;
  }

  /** What it wrote last. */
  get complaints(): string {
    return this.#stderr.trim().split('\n').slice(-SHOWN_LINES).join('\n');
  }

  /** Asks it to stop in front of the next commit of this agent, or of none. It stops at most once in its life. */
  async arm(key: AgentKey | undefined): Promise<void> {
    if (this.#stoppedOn !== undefined || this.#ended !== undefined) return;
    const heard = this.#next('armed', 'stopping');
    this.#send({ kind: 'arm', key });
    await heard;
  }

  /** Lets it run on, until it answers: it says that it stops a moment before it does, and a signal in between is lost. */
  async resume(): Promise<void> {
    this.#stoppedOn = undefined;
    const running = this.#next('armed');
    this.#send({ kind: 'arm', key: undefined });
    const signals = setInterval(() => this.#child.kill('SIGCONT'), SIGNAL_EVERY_MS);
    await running.finally(() => clearInterval(signals));
  }

  /** Kills it without a warning. */
  async kill(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** Lets it finish its work and leave. @returns whether it did; one that takes too long is killed. */
  async drain(): Promise<boolean> {
    if (this.#ended !== undefined) return false;
    const exited = once(this.#child, 'exit');
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), DRAIN_MS);
    this.#send({ kind: 'drain' });
    await exited;
    clearTimeout(impatience);
    return this.#child.exitCode === 0;
  }

  #send(message: ToNode): void {
    this.#child.send(message);
  }

  #next(...kinds: Waiter['kinds']): Promise<FromNode> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = [...this.#waiting, { kinds, resolve, reject }];
    });
  }

  #take(message: FromNode): void {
    if (message.kind === 'ready') this.#nodeId = message.nodeId;
    if (message.kind === 'stopping') this.#stoppedOn = message.key;
    const heard = this.#waiting.filter(({ kinds }) => kinds.includes(message.kind));
    this.#waiting = this.#waiting.filter((waiter) => !heard.includes(waiter));
    for (const { resolve } of heard) resolve(message);
  }

  #end(how: string): void {
    const error = new Error(`placement node ${this.name} ended (${how})\n${this.complaints}`.trim());
    this.#ended = error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
  }
}
