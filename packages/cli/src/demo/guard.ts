/**
 * Leaves no process behind: a small shell at the end of a pipe kills the entered ones when the pipe ends.
 *
 * It ends with this process, however that ends. A placement node that has been stopped by SIGSTOP would
 * not notice by itself.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

const SCRIPT = 'trap "" INT TERM HUP; while read -r pid; do pids="$pids $pid"; done; kill -KILL $pids 2>/dev/null';

/** Watches over processes. */
export class Guard {
  readonly #shell: ChildProcessByStdio<Writable, null, null>;

  constructor() {
    // Detached: a Ctrl-C at the terminal must not reach it before it reaches us.
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#shell.stdin.on('error', () => {}); // It was killed itself: there is nobody to tell.
  }

  /** Enters a process. */
  watch(pid: number): void {
    this.#shell.stdin.write(`${pid}\n`);
  }

  /** Kills what still runs of the entered processes. */
  async end(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const exited = once(this.#shell, 'exit');
    this.#shell.stdin.end();
    await exited;
  }
}
