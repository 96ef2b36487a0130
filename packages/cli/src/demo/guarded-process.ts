/**
 * A part of the demo as a process of its own, entered at the guard: start, talk over the process channel, kill.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Guard } from './guard.ts';

/** What it is started as. */
export interface ProcessStart {
  /** Name of the program beside this file, without its ending. */
  readonly program: string;
  /** What people call it. */
  readonly title: string;
  /** Goes to it as JSON, in its first argument. */
  readonly setting: unknown;
  /** Beside the variables of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Waiter<M extends { readonly kind: string }> {
  readonly kinds: ReadonlyArray<M['kind']>;
  readonly resolve: (message: M) => void;
  readonly reject: (error: Error) => void;
}

/** Lines that a failure shows of what a process wrote. */
const SHOWN_LINES = 12;

/** A process that says messages of these kinds, and first of all `ready`. */
export class GuardedProcess<M extends { readonly kind: string }> {
  readonly #title: string;
  readonly #child: ChildProcess;
  readonly #hear: (message: M) => void;
  #waiting: ReadonlyArray<Waiter<M>> = [];
  #ended: Error | undefined;
  #stderr = '';

  /**
   * Starts it. Who uses it waits until it is `ready`.
   *
   * @param hear - Told of every message before anybody who waits for it.
   */
  constructor({ program, title, setting, env }: ProcessStart, guard: Guard, hear: (message: M) => void = () => {}) {
    // The same file whether this runs from its sources or built.
    const main = new URL(`./${program}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
    this.#title = title;
    this.#hear = hear;
    this.#child = fork(fileURLToPath(main), [JSON.stringify(setting)], {
      execArgv: [],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    if (this.#child.pid !== undefined) guard.watch(this.#child.pid);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#child.on('message', (message: M) => this.#take(message));
    this.#child.on('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether it ended by itself, and in order. */
  get hasSucceeded(): boolean {
    return this.#child.exitCode === 0;
  }

  /** What it wrote last. */
  get complaints(): string {
    return this.#stderr.trim().split('\n').slice(-SHOWN_LINES).join('\n');
  }

  /** The next message of one of these kinds. @throws when the process ends first. */
  next(...kinds: Waiter<M>['kinds']): Promise<M> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = [...this.#waiting, { kinds, resolve, reject }];
    });
  }

  send(message: object): void {
    this.#child.send(message);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves once it is gone. */
  async exited(): Promise<void> {
    if (this.#ended === undefined) await once(this.#child, 'exit');
  }

  /** Kills it without a warning. */
  async kill(): Promise<void> {
    const exited = this.exited();
    this.signal('SIGKILL');
    await exited;
  }

  #take(message: M): void {
    this.#hear(message);
    const heard = this.#waiting.filter(({ kinds }) => kinds.includes(message.kind));
    this.#waiting = this.#waiting.filter((waiter) => !heard.includes(waiter));
    for (const { resolve } of heard) resolve(message);
  }

  #end(how: string): void {
    const error = new Error(`${this.#title} ended (${how})\n${this.complaints}`.trim());
    this.#ended = error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
  }
}
