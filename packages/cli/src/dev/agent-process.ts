/** One child process with the agents of a file, as `wakebus dev` sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DevDeployment, FromNode, LoadedAgent, ToNode } from './node-messages.ts';

/** Beside this file; built, it is JavaScript. */
const MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './dev-node-main.ts' : './dev-node-main.js', import.meta.url),
);
/** A child that does not end within its own bounds is killed after so long, in milliseconds. */
const KILL_AFTER_MS = 15_000;

/** What came of loading a file. */
export type LoadOutcome =
  | { readonly kind: 'loaded'; readonly agents: readonly LoadedAgent[]; readonly files: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string; readonly files: readonly string[] };

export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  /** @param onText - Gets what the agents print. */
  constructor(file: string, onText: (text: string) => void) {
    this.#child = fork(MAIN, [file], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child.stdout?.setEncoding('utf8').on('data', onText);
    this.#child.stderr?.setEncoding('utf8').on('data', onText);
    this.#exited = once(this.#child, 'exit');
  }

  /** Resolves when the process has ended, for whatever reason. */
  get ended(): Promise<unknown> {
    return this.#exited;
  }

  /** What came of loading the file. */
  async load(): Promise<LoadOutcome> {
    const message = await this.#hear();
    if (message?.kind === 'loaded' || message?.kind === 'refused') return message;
    return { kind: 'refused', reason: 'its process ended while loading', files: [] };
  }

  /** Looks whether the agents that exist would wake with what is loaded. @returns why not, or nothing. */
  async check(deployment: DevDeployment): Promise<string | undefined> {
    this.#child.send({ kind: 'check', deployment } satisfies ToNode);
    const message = await this.#hear();
    return message?.kind === 'checked' ? message.misfit : 'its process ended while it was checked';
  }

  /** Starts the placement node. @returns why it could not be started, or nothing. */
  async start(deployment: DevDeployment): Promise<string | undefined> {
    this.#child.send({ kind: 'start', deployment } satisfies ToNode);
    const message = await this.#hear();
    if (message?.kind === 'serving') return undefined;
    return message?.kind === 'failed' ? message.reason : 'its process ended while starting';
  }

  /** Lets it finish its turns and leave; kills it when it does not. */
  async drain(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const force = setTimeout(() => this.kill(), KILL_AFTER_MS);
    if (this.#child.connected) this.#child.send({ kind: 'drain' } satisfies ToNode, () => {});
    await this.#exited;
    clearTimeout(force);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** The child's next message; nothing when it ends first. */
  async #hear(): Promise<FromNode | undefined> {
    const ended = new AbortController();
    const message = once(this.#child, 'message', { signal: ended.signal }).then(
      ([value]) => value as FromNode,
      () => undefined,
    );
    void this.#exited.then(() => ended.abort());
    return message;
  }
}
