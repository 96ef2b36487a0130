/**
 * One `wakebus dev`: a server, the process that runs the agents, and the watch that replaces it.
 *
 * A new version is loaded beside the old one, and every agent's state is tried with it; only when both are fine
 * does the old one drain and the new one start. State lives in the server, so nothing of it is lost in between.
 */
import type { DevDeployment, LoadedAgent } from './node-messages.ts';
import { AgentProcess } from './agent-process.ts';
import { FileWatch } from './file-watch.ts';

/** What a session tells about itself. */
export interface DevEvents {
  /** Agents run, for the first time or again. */
  onServing(agents: readonly LoadedAgent[], isFirst: boolean): void;
  /** The file is refused; what ran before goes on. */
  onRefused(reason: string, isRunning: boolean): void;
  /** The agents' process has ended by itself. */
  onEnded(): void;
  /** The agents print something. */
  onText(text: string): void;
}

export class DevSession {
  readonly #file: string;
  readonly #deployment: DevDeployment;
  readonly #events: DevEvents;
  readonly #watch = new FileWatch(() => void this.reload());
  #running: AgentProcess | undefined;
  #loading: AgentProcess | undefined;
  #reload: Promise<void> = Promise.resolve();
  #served = 0;
  #isStopping = false;

  constructor(file: string, deployment: DevDeployment, events: DevEvents) {
    this.#file = file;
    this.#deployment = deployment;
    this.#events = events;
    this.#watch.add([file]);
  }

  /** Loads the file, and replaces what runs when it is fine. One at a time; the last change is always seen. */
  reload(): Promise<void> {
    this.#reload = this.#reload.then(() => this.#replace());
    return this.#reload;
  }

  /** Drains what runs. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#watch.close();
    this.#loading?.kill();
    await this.#reload;
    await this.#running?.drain();
  }

  /** Ends everything at once. */
  kill(): void {
    this.#isStopping = true;
    this.#loading?.kill();
    this.#running?.kill();
  }

  async #replace(): Promise<void> {
    if (this.#isStopping) return;
    const next = new AgentProcess(this.#file, (text) => this.#events.onText(text));
    this.#loading = next;
    const outcome = await next.load();
    const refusal = outcome.kind === 'refused' ? outcome.reason : await this.#misfitOf(next);
    this.#loading = undefined;
    if (this.#isStopping) return next.kill();
    this.#watch.add(outcome.files);
    if (outcome.kind === 'loaded' && refusal === undefined) return this.#swap(next, outcome.agents);
    next.kill();
    this.#events.onRefused(refusal ?? '', this.#running !== undefined);
  }

  async #misfitOf(next: AgentProcess): Promise<string | undefined> {
    return this.#isStopping ? undefined : next.check(this.#deployment);
  }

  async #swap(next: AgentProcess, agents: readonly LoadedAgent[]): Promise<void> {
    const old = this.#running;
    this.#running = next;
    await old?.drain();
    const failure = await next.start(this.#deployment);
    if (failure !== undefined) {
      this.#running = undefined;
      this.#events.onRefused(`it could not be started: ${failure}`, false);
      return;
    }
    this.#served += 1;
    void this.#awaitEnd(next);
    this.#events.onServing(agents, this.#served === 1);
  }

  async #awaitEnd(agents: AgentProcess): Promise<void> {
    await agents.ended;
    if (this.#isStopping || this.#running !== agents) return;
    this.#running = undefined;
    this.#events.onEnded();
  }
}
