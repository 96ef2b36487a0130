/** What a command may touch of its process, in one object, so that tests run commands in-process. */
import { createInterface } from 'node:readline/promises';

/** A process as commands see it. */
export interface CliIo {
  /** Data. */
  out(text: string): void;
  /** Messages. */
  err(text: string): void;
  /** Whether messages go to a terminal. */
  readonly isTerminal: boolean;
  /** Whether data goes to a terminal that may be drawn on. @default false */
  readonly isScreen?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Asks whoever sits at the terminal, and gives the line that they type; not there without one. */
  readonly ask?: (question: string) => Promise<string>;
  /** Calls back on every Ctrl-C, SIGTERM and SIGHUP. @returns a function that ends it. */
  onStop(listener: () => void): () => void;
}

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** This process. */
export function processIo(): CliIo {
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
    isScreen: process.stdout.isTTY,
    env: process.env,
    cwd: process.cwd(),
    readInput,
    ...(process.stdin.isTTY && { ask }),
    onStop: (listener) => {
      for (const signal of stopSignals) process.on(signal, listener);
      return () => {
        for (const signal of stopSignals) process.off(signal, listener);
      };
    },
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

async function readInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}
