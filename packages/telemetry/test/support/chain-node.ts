/** A placement node with an SDK, as a process that a test starts and ends. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What is exported at once, so that a test need not wait. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_METRIC_EXPORT_INTERVAL: '100', OTEL_METRIC_EXPORT_TIMEOUT: '90' };

export class ChainNode {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit');
    child.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString('utf8')));
  }

  static async start(servers: string, env: Readonly<Record<string, string>>): Promise<ChainNode> {
    const main = fileURLToPath(new URL('node-main.ts', import.meta.url));
    const child = fork(main, [servers], {
      env: { ...process.env, ...SOON, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    const node = new ChainNode(child);
    const isReady = await Promise.race([once(child, 'message').then(() => true), node.#exit.then(() => false)]);
    if (!isReady) throw new Error(`the node ended before it was ready: ${node.said}`);
    return node;
  }

  /** What it has logged. */
  get said(): string {
    return this.#said;
  }

  /** Resolves when it has ended, however it did. */
  async ended(): Promise<void> {
    await this.#exit;
  }

  /** Has it drain and send what is left. @returns its exit code. */
  async stop(): Promise<number | null> {
    this.#child.send('leave');
    await this.#exit;
    return this.#child.exitCode;
  }

  /** Ends it, if it is there still. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
}
