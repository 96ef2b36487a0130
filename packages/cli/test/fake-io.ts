/** A process for commands that are run in-process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '@wakebus/cli';

/** What a command wrote, and a way to press Ctrl-C. */
export interface FakeIo extends CliIo, Disposable {
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout as JSON. */
  json(): ReadonlyArray<Record<string, unknown>>;
  stop(): void;
}

/** What a process has. */
export interface FakeIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** All of its standard input. */
  readonly input?: string;
  readonly isTerminal?: boolean;
  /** A line that somebody at the terminal types; without it nobody sits there. */
  readonly typed?: string;
}

/** A process in an empty folder, with nothing in its environment but what is given. */
export function fakeIo(given: FakeIoOptions = {}): FakeIo {
  const cwd = mkdtempSync(join(tmpdir(), 'wakebus-cli-'));
  const listeners = new Set<() => void>();
  let stdout = '';
  let stderr = '';
  return {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    isTerminal: given.isTerminal ?? false,
    env: { HOME: cwd, ...given.env },
    cwd,
    readInput: () => Promise.resolve(given.input ?? ''),
    ...(given.typed !== undefined && { ask: () => Promise.resolve(given.typed as string) }),
    onStop: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    json: () =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    stop: () => {
      for (const listener of listeners) listener();
    },
    [Symbol.dispose]: () => rmSync(cwd, { recursive: true, force: true }),
  };
}
