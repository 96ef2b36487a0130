/**
 * A placement node's process, as the benchmarks handle it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What it is started with, as JSON in its first argument. */
export interface NodeSetting {
  readonly servers: string;
  readonly prefix: string;
}

/** To the process. `hold`: let no turn of yours commit any more. */
export type NodeOrder = 'join' | 'hold' | 'drain';

/** From the process. `loaded`: connected, and not a placement node yet. */
export type NodeReport =
  | { readonly kind: 'loaded' | 'drained' }
  | { readonly kind: 'joined'; readonly nodeId: string }
  | { readonly kind: 'held'; readonly count: number };

const MAIN = fileURLToPath(new URL('./node-main.ts', import.meta.url));

export class NodeProcess {
  readonly #child: ChildProcess;
  nodeId = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts the process, with everything loaded. */
  static async load(setting: NodeSetting): Promise<NodeProcess> {
    const node = new NodeProcess(fork(MAIN, [JSON.stringify(setting)]));
    await node.#report('loaded');
    return node;
  }

  /** Starts the process and lets it join. */
  static async start(setting: NodeSetting): Promise<NodeProcess> {
    const node = await NodeProcess.load(setting);
    await node.join();
    return node;
  }

  async join(): Promise<void> {
    this.#child.send('join' satisfies NodeOrder);
    this.nodeId = (await this.#report('joined')).nodeId;
  }

  async drain(): Promise<void> {
    this.#child.send('drain' satisfies NodeOrder);
    await this.#report('drained');
  }

  /** From now on its turns stand still before their commits. */
  async hold(): Promise<void> {
    this.#child.send('hold' satisfies NodeOrder);
    await this.#report('held');
  }

  /** Resolves when so many turns stand still. */
  async holds(count: number): Promise<void> {
    await this.#report('held', (report) => report.count >= count);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** The next report of a kind that is as wished. */
  #report<K extends NodeReport['kind']>(
    kind: K,
    isWished: (report: Extract<NodeReport, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<NodeReport, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: NodeReport): void => {
        const report = message as Extract<NodeReport, { kind: K }>;
        if (message.kind !== kind || !isWished(report)) return;
        this.#child.off('message', onMessage).off('exit', onExit);
        resolve(report);
      };
      const onExit = (): void => reject(new Error(`a placement node ended before it was ${kind}`));
      this.#child.on('message', onMessage).on('exit', onExit);
    });
  }
}
