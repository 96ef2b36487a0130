/**
 * A placement node's process, as a run handles it: started, met at a step, killed, stopped, drained.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Watchdog } from '@wakebus/nats-server';
import type { Blow, FromNode, NodeLook, NodeSetting, Step, ToNode } from './node-messages.ts';

/** Draining is bounded by 10 s in the placement node itself. More than this, in milliseconds, is wrong. */
const DRAIN_MS = 15_000;
/** A process that joins takes half a second; through a cluster that elects, as long as that. */
const START_MS = 40_000;
/** Lines that a failure shows of what a node wrote. */
const SHOWN_LINES = 8;

/** Where a placement node was met. */
export interface Meeting {
  readonly step: string;
  /** The agent that it was busy with. */
  readonly key: string;
}

interface Waiter {
  readonly kind: FromNode['kind'];
  readonly resolve: (message: FromNode) => void;
  readonly reject: (error: Error) => void;
}

/** One placement node's process. */
export class NodeProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  #nodeId = '';
  #waiting: readonly Waiter[] = [];
  #ended: Error | undefined;
  #output = '';
  #stderr = '';
  #onMet: ((meeting: Meeting) => void) | undefined;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-8_192);
    });
    child.on('message', (message: FromNode) => this.#take(message));
    child.on('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
  }

  /** Starts a process and waits until its placement node has joined. */
  static async start(setting: NodeSetting, watchdog: Watchdog): Promise<NodeProcess> {
    // The same file whether this runs from its sources or built.
    const main = new URL(`./node-main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
    const child = fork(fileURLToPath(main), [JSON.stringify(setting)], {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    watchdog.watch(child);
    const node = new NodeProcess(setting.name, child);
    const impatience = setTimeout(() => child.kill('SIGKILL'), START_MS);
    const ready = await node.#next('ready').finally(() => clearTimeout(impatience));
    node.#nodeId = ready.nodeId;
    return node;
  }

  get nodeId(): string {
    return this.#nodeId;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** What it wrote last. */
  get complaints(): string {
    return this.#stderr.trim().split('\n').slice(-SHOWN_LINES).join('\n');
  }

  /**
   * Lets it strike itself at a step.
   *
   * @param skip - Times that it passes the step before.
   * @returns where it was met, or nothing when it did not come to the step in time.
   */
  async meet(step: Step, blow: Blow, skip: number, withinMs: number): Promise<Meeting | undefined> {
    const met = new Promise<Meeting>((resolve) => (this.#onMet = resolve));
    await this.#ask({ kind: 'arm', step, blow, skip }, 'armed');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), withinMs)));
    const meeting = (await Promise.race([met, late])) ?? (await this.#disarm(met));
    clearTimeout(timer);
    if (meeting !== undefined && blow === 'SIGKILL') await this.ended();
    return meeting;
  }

  /** Shifts its wall clock from the true time. */
  async shiftClock(byMs: number): Promise<void> {
    await this.#ask({ kind: 'shift', byMs }, 'shifted');
  }

  look(): Promise<NodeLook> {
    return this.#ask({ kind: 'look' }, 'looked');
  }

  /** Stops it as it is, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Kills it without a warning. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  async ended(): Promise<void> {
    if (!this.hasEnded) await once(this.#child, 'exit');
  }

  /** Lets it finish its work and leave. @returns whether it did; one that takes too long is killed. */
  async drain(): Promise<boolean> {
    if (this.hasEnded) return false;
    const exited = once(this.#child, 'exit');
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), DRAIN_MS);
    this.#child.send({ kind: 'drain' } satisfies ToNode);
    await exited;
    clearTimeout(impatience);
    return this.#child.exitCode === 0;
  }

  /** It may come to the step at the last moment: then that counts. */
  async #disarm(met: Promise<Meeting>): Promise<Meeting | undefined> {
    const disarmed = this.#ask({ kind: 'arm', blow: 'SIGSTOP', skip: 0 }, 'armed').then(
      () => undefined,
      () => met,
    );
    return Promise.race([met, disarmed]);
  }

  #ask<K extends FromNode['kind']>(message: ToNode, kind: K): Promise<Extract<FromNode, { kind: K }>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#child.send(message);
    return this.#next(kind);
  }

  #next<K extends FromNode['kind']>(kind: K): Promise<Extract<FromNode, { kind: K }>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { kind, resolve: (message) => resolve(message as never), reject };
      this.#waiting = [...this.#waiting, waiter];
    });
  }

  #take(message: FromNode): void {
    const heard = this.#waiting.find(({ kind }) => kind === message.kind);
    if (heard === undefined) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter !== heard);
    heard.resolve(message);
  }

  /** Lines on the standard output: `met <step> <agent>`. */
  #hear(text: string): void {
    const lines = (this.#output + text).split('\n');
    this.#output = lines.pop() ?? '';
    for (const line of lines) {
      const [what, step = '', key = ''] = line.split(' ');
      if (what === 'met') this.#onMet?.({ step: step.replace('_', ' '), key });
    }
  }

  #end(how: string): void {
    const error = new Error(`placement node ${this.name} ended (${how})\n${this.complaints}`.trim());
    this.#ended = error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
  }
}
