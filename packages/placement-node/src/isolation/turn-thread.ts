/**
 * One thread that takes turns, from its start to its end, whatever ends it. It has one thing in hand at a
 * time; who gets what, and what follows its end, is `thread-runner.ts`.
 */
import type { AnyAgentDefinition, Isolation } from '@wakebus/core';
import type { Layout } from '@wakebus/protocol';
import { Worker } from 'node:worker_threads';
import { patience } from './patience.ts';
import { IDLE, OPENING, type ThreadData, type ThreadOrder, type ThreadReport } from './thread-messages.ts';

/** Importing a module may take so long, in milliseconds: a large one on a cold disk takes seconds. */
const LOAD_MS = 60_000;

/**
 * Room for what turns leave behind: an eighth of the heap's limit, and at most so many MiB. Left to itself V8 lets
 * it grow, after some thousand turns, to half of a limit of 128 MiB, and from then on it collects the whole heap
 * without end: measured, ten times a second with 14 MiB in use, which left a fifth of the turns.
 */
const YOUNG_SHARE = 8;
const MOST_YOUNG_MB = 16;

/** How a thread answered, or how it ended instead. */
export type ThreadAnswer =
  | Extract<ThreadReport, { kind: 'taken' | 'acted' }>
  | { readonly kind: 'ended'; readonly seq: number | undefined; readonly hasBegun: boolean; readonly why: string };

/** Why a thread could not be started: as the end of a sentence. */
export class ThreadRefusal extends Error {
  override readonly name = 'ThreadRefusal';
}

export class TurnThread {
  readonly #worker: Worker;
  readonly #progress: BigInt64Array;
  readonly #isolation: Isolation;
  #answer: ((answer: ThreadAnswer) => void) | undefined;
  #why: string | undefined;
  #hasEnded = false;

  private constructor(definition: AnyAgentDefinition, isolation: Isolation, { prefix, partitions, shards }: Layout) {
    const progress = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
    this.#progress = new BigInt64Array(progress);
    this.#isolation = isolation;
    const { type, version, retry } = definition;
    const workerData: ThreadData = {
      wakebusTurns: true,
      module: isolation.module,
      export: isolation.export,
      type,
      version,
      retry,
      layout: { prefix, partitions, shards },
      progress,
    };
    const main = new URL(`./turn-thread-main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
    this.#worker = new Worker(main, {
      name: `turns of ${type}`,
      workerData,
      resourceLimits: {
        maxOldGenerationSizeMb: isolation.maxHeapMb,
        maxYoungGenerationSizeMb: Math.min(MOST_YOUNG_MB, isolation.maxHeapMb / YOUNG_SHARE),
      },
    });
    this.#worker.unref();
    this.#worker.on('error', (thrown) => (this.#why ??= whyEnded(thrown, isolation)));
    this.#worker.once('exit', (code) => this.#end(`it ended its thread with code ${code}`));
  }

  /** Starts a thread. @throws {@link ThreadRefusal} when the module does not give the definition. */
  static async start(definition: AnyAgentDefinition, isolation: Isolation, layout: Layout): Promise<TurnThread> {
    const thread = new TurnThread(definition, isolation, layout);
    const calm = patience(LOAD_MS, () => thread.stop(`it was not loaded within ${LOAD_MS} ms`));
    try {
      await thread.#ready();
      return thread;
    } finally {
      calm();
    }
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Gives it something to do, for no longer than a turn may take. Once at a time. */
  do(order: ThreadOrder): Promise<ThreadAnswer> {
    const { turnTimeoutMs } = this.#isolation;
    Atomics.store(this.#progress, 0, IDLE);
    return new Promise((resolve) => {
      const calm = patience(turnTimeoutMs, () => this.stop(`it took longer than ${turnTimeoutMs} ms`));
      this.#answer = (answer) => {
        calm();
        this.#answer = undefined;
        resolve(answer);
      };
      if (this.#hasEnded) this.#end('its thread had ended');
      else this.#worker.postMessage(order, []);
    });
  }

  /** Ends the thread, whatever it does. @param why - As the end of a sentence. */
  stop(why: string): void {
    this.#why ??= why;
    void this.#worker.terminate();
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answer = (answer) => reject(new ThreadRefusal(answer.kind === 'ended' ? answer.why : 'it lost its way'));
      this.#worker.on('message', (report: ThreadReport) => {
        if (report.kind === 'refused') {
          reject(new ThreadRefusal(report.why));
          this.stop(report.why);
        } else if (report.kind === 'ready') {
          this.#answer = undefined;
          resolve();
        } else {
          this.#answer?.(report);
        }
      });
    });
  }

  #end(why: string): void {
    this.#hasEnded = true;
    const at = Atomics.load(this.#progress, 0);
    const seq = at === OPENING ? undefined : Number(at);
    this.#answer?.({ kind: 'ended', seq, hasBegun: at !== IDLE, why: this.#why ?? why });
  }
}

function whyEnded(thrown: unknown, { maxHeapMb }: Isolation): string {
  const code: unknown = (thrown as { code?: unknown } | null)?.code;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `it used more than ${maxHeapMb} MiB of memory`;
  return `its thread ended with ${thrown instanceof Error ? thrown.message : String(thrown)}`;
}
