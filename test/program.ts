/** A program in a process of its own, for tests that run what people would run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it has written, to stdout and stderr. */
  readonly output: () => string;
  /** Resolves once the output holds the text; rejects when the program ends without it. */
  readonly says: (text: string) => Promise<void>;
  /** Resolves with its exit code. */
  readonly ends: () => Promise<number | null>;
}

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd?: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a TypeScript file with this process's own Node.js. */
export function startProgram(file: string, options: ProgramOptions = {}): Program {
  return start(process.execPath, [file], options);
}

/** Starts what a person would type. */
export function startCommand(line: string, options: ProgramOptions = {}): Program {
  return start('sh', ['-c', `exec ${line}`], options);
}

function start(program: string, args: readonly string[], { cwd, env }: ProgramOptions): Program {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    output: () => output,
    ends: () => exited,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => (output.includes(text) ? resolve() : undefined);
        for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
        look();
        void exited.then(() => (output.includes(text) ? resolve() : reject(new Error(output))));
      }),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
