/** A placement node in a process of its own, for what only a process can suffer. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Limits } from '../../src/mod.ts';

/** Steps at which a node process can stop to think, or end. */
export type Step = 'beforeCommit' | 'afterCommit' | 'beforeRelay' | 'beforeEffect' | 'beforeResult' | 'beforeAck';

export interface NodeProcessOptions {
  readonly name?: string;
  readonly pool?: string;
  /** Agent types with their versions. @default one, `list` at version 1 */
  readonly types?: Readonly<Record<string, number>>;
  readonly agent?: object;
  /** Whether it runs payers as well. */
  readonly payers?: boolean;
  readonly limits?: Partial<Limits>;
  readonly history?: boolean;
  /** Kill the process, as SIGKILL does, at the n-th time that it comes to a step. */
  readonly dieAt?: { readonly step: Step; readonly time: number };
  /** Stop before the commits of one agent, each time asking the parent, who answers by {@link NodeProcess.goOn}. */
  readonly waitBeforeCommitOf?: string;
}

/** What the process says. */
export type NodeReport =
  | { readonly kind: 'started'; readonly nodeId: string }
  | { readonly kind: 'waiting'; readonly key: string }
  | { readonly kind: 'drained' }
  | { readonly kind: 'status'; readonly status: { readonly sessions: number; readonly effects: number } };

/** What it is told. */
export type NodeOrder = { readonly kind: 'goOn' | 'drain' | 'status' };

/** A running node process. */
export class NodeProcess {
  readonly nodeId: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #reports: NodeReport[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(child: ChildProcess, nodeId: string) {
    this.nodeId = nodeId;
    this.#child = child;
    this.#exit = once(child, 'exit');
    child.on('message', (report: NodeReport) => {
      this.#reports.push(report);
      for (const listener of this.#listeners) listener();
    });
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when the process has ended, however it did. */
  async exited(): Promise<void> {
    if (!this.hasExited) await this.#exit;
  }

  async kill(): Promise<void> {
    if (!this.hasExited) this.#child.kill('SIGKILL');
    await this.exited();
  }

  /** Stops the process as it is, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Lets the commit pass that waits, and all after it. */
  goOn(): void {
    this.#order({ kind: 'goOn' });
  }

  /** Resolves when a commit of the watched agent waits. */
  async waiting(): Promise<void> {
    await this.#report('waiting');
  }

  async drain(): Promise<void> {
    this.#order({ kind: 'drain' });
    await this.#report('drained');
  }

  async sessions(): Promise<number> {
    return (await this.#status()).sessions;
  }

  /** Effects that run there. */
  async effects(): Promise<number> {
    return (await this.#status()).effects;
  }

  async #status(): Promise<Extract<NodeReport, { kind: 'status' }>['status']> {
    this.#order({ kind: 'status' });
    return (await this.#report('status')).status;
  }

  #order(order: NodeOrder): void {
    this.#child.send(order);
  }

  /** The next report of a kind; each is given once. */
  #report<K extends NodeReport['kind']>(kind: K): Promise<Extract<NodeReport, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const at = this.#reports.findIndex((report) => report.kind === kind);
        if (at < 0) return;
        this.#listeners.delete(look);
        resolve(this.#reports.splice(at, 1)[0] as Extract<NodeReport, { kind: K }>);
      };
      this.#listeners.add(look);
      void this.exited().then(() => reject(new Error(`the node ended before it said "${kind}"`)));
      look();
    });
  }
}

/** Starts one, and waits until it serves, or has died of what waited for it. */
export async function startNodeProcess(url: string, prefix: string, options: NodeProcessOptions): Promise<NodeProcess> {
  const main = fileURLToPath(new URL('node-main.ts', import.meta.url));
  const child = fork(main, [JSON.stringify({ url, prefix, ...options })], { serialization: 'advanced', execArgv: [] });
  const exit = once(child, 'exit') as Promise<[code: number | null]>;
  const [report] = await Promise.race([once(child, 'message') as Promise<[NodeReport]>, exit]);
  if (typeof report === 'object' && report?.kind === 'started') return new NodeProcess(child, report.nodeId);
  // Killed is what some tests want it to be; ended by itself is a mistake in the program.
  if (report !== null) throw new Error(`the node process ended by itself, with ${JSON.stringify(report)}`);
  return new NodeProcess(child, '');
}
