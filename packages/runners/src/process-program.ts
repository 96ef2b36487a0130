/**
 * One program as a process: started, asked, paused, stopped, killed, and never left behind.
 *
 * It is the leader of a process group of its own, and whatever of the group is left when it ends is killed. What is
 * said on which line is in `frames.ts`, what walls it in `confinement.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Program, ProgramAnswer, ProgramQuestion, ProgramStart } from '@wakebus/core';
import { WakebusError } from '@wakebus/protocol';
import { type Means, confined } from './confinement.ts';
import { ANSWER_LIMIT_BYTES, FRAME_BYTES, LINE_LIMIT_BYTES, PROTOCOL_VERSION, type ProgramFrame } from './frames.ts';
import { answerOf, eventFrame, readLine, wakeFrame } from './frames.ts';
import { HealthCheck } from './health-check.ts';
import { splitLines } from './lines.ts';
import type { ProcessSpec } from './process-options.ts';
import { signalGroup, signalProgram } from './process-tree.ts';

/** Longer lines of what a program prints are cut in the log, in characters. */
const LOGGED_CHARS = 8_192;
/** Of what a program says of its failure so much is kept, in characters: it stands in the agent's record until the next try. */
const FAILURE_CHARS = 1_024;
/** What keeps a process from being started now, and passes. */
const PASSING = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'];

/** An event that the program is at. */
interface Asked {
  readonly question: ProgramQuestion;
  readonly frames: ProgramFrame[];
  sizeBytes: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: ProgramAnswer) => void;
  readonly reject: (error: WakebusError) => void;
}

/** Why it has ended, and whether another may be started in a moment for all that. */
interface End {
  readonly why: string;
  readonly isPassing: boolean;
}

export class ProcessProgram implements Program {
  readonly #spec: ProcessSpec;
  readonly #start: ProgramStart;
  readonly #child: ChildProcess;
  readonly #health: HealthCheck;
  readonly #greeted = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #asked: Asked | undefined;
  #isGreeted = false;
  #end: End | undefined;

  /** @throws {WakebusError} as {@link ask}, where no process comes of it. */
  constructor(spec: ProcessSpec, means: Means, start: ProgramStart) {
    this.#spec = spec;
    this.#start = start;
    this.#child = startProcess(spec, means, start);
    this.#health = new HealthCheck(spec.health, {
      say: (line) => this.#say(line),
      fail: (why) => this.#fail(why),
    });
    this.#greeted.promise.catch(() => {}); // Who asks hears of it.
    this.#listen();
    this.#say(wakeFrame(start));
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  async ask(question: ProgramQuestion, headers: ProgramStart['headers']): Promise<ProgramAnswer> {
    await this.#greet(question);
    if (this.#end !== undefined) throw this.#error(question);
    this.#health.pause();
    const { promise, resolve, reject } = Promise.withResolvers<ProgramAnswer>();
    const { eventMs } = this.#spec.limits;
    const timer = setTimeout(() => this.#fail(`it did not answer within ${eventMs} ms`), eventMs);
    this.#asked = { question, frames: [], sizeBytes: 0, timer, resolve, reject };
    this.#say(eventFrame(question, headers));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked = undefined;
      if (this.#end === undefined) this.#health.resume();
    }
  }

  pause(): void {
    this.#health.pause();
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
    if (this.#isGreeted && this.#asked === undefined) this.#health.resume();
  }

  async stop(): Promise<void> {
    if (this.#end !== undefined) return this.#ended.promise;
    this.#health.pause();
    if (this.#child.pid !== undefined) signalProgram(this.#child.pid, 'SIGTERM');
    this.#child.stdin?.end();
    const timer = setTimeout(() => {
      this.#start.log(`the program did not end within ${this.#spec.limits.stopMs} ms, and is killed`);
      this.kill();
    }, this.#spec.limits.stopMs);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  #listen(): void {
    // Where no more files may be opened it has none of the three, and only its error tells of it.
    const { stdin, stdout, stderr } = this.#child;
    stdin?.on('error', () => {}); // It has ended, which is told by itself.
    const onTooLong = (): void => this.#fail(`a line of its output is over ${LINE_LIMIT_BYTES} bytes`);
    stdout?.on('data', splitLines(LINE_LIMIT_BYTES, { onLine: (line) => this.#hear(line), onTooLong }));
    const onPrinted = (line: string): void => this.#print(line, 'stderr');
    stderr?.on('data', splitLines(LINE_LIMIT_BYTES, { onLine: onPrinted, onTooLong: () => {} }));
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#child.pid === undefined) this.#finish(notStarted(error), passes(error));
    });
    this.#child.on('exit', (code, signal) => this.#finish(howEnded(code, signal)));
  }

  /** Resolves when the program has said `hello`. */
  async #greet(question: ProgramQuestion): Promise<void> {
    if (this.#isGreeted || this.#end !== undefined) return;
    const { startMs } = this.#spec.limits;
    const timer = setTimeout(() => this.#fail(`it did not say hello within ${startMs} ms of its start`), startMs);
    try {
      await this.#greeted.promise;
    } catch {
      throw this.#error(question);
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(line: string): void {
    const said = readLine(line);
    if (said.kind === 'text') return this.#print(line, 'stdout');
    if (said.kind === 'fault') return this.#fail(said.why);
    const { frame } = said;
    if (frame.type === 'pong') return this.#health.heard(frame.n);
    if (frame.type === 'hello') return this.#hearHello(frame.protocol);
    // By its name alone: it holds what is the agent's, and is nothing that the program prints.
    if (this.#asked === undefined) return this.#print(`frame "${frame.type}" between two events: left out`, 'stdout');
    this.#hearAnswer(this.#asked, frame, line.length);
  }

  #hearHello(protocol: number): void {
    if (protocol !== PROTOCOL_VERSION)
      return this.#fail(`it speaks protocol ${protocol}, and this node ${PROTOCOL_VERSION}`);
    this.#isGreeted = true;
    this.#greeted.resolve();
  }

  #hearAnswer(asked: Asked, frame: ProgramFrame, lineBytes: number): void {
    if (frame.type !== 'done' && frame.type !== 'error') {
      asked.sizeBytes += lineBytes + FRAME_BYTES;
      if (asked.sizeBytes > ANSWER_LIMIT_BYTES) return this.#fail(`its answer is over ${ANSWER_LIMIT_BYTES} bytes`);
      return void asked.frames.push(frame);
    }
    if (frame.seq !== asked.question.seq)
      return this.#fail(`it answered event ${frame.seq}, and was asked ${asked.question.seq}`);
    if (frame.type === 'error') return this.#fail(`it said: ${frame.message.slice(0, FAILURE_CHARS)}`);
    asked.resolve(answerOf(asked.frames));
  }

  #print(line: string, stream: 'stdout' | 'stderr'): void {
    if (line !== '') this.#start.log(line.slice(0, LOGGED_CHARS), { stream });
  }

  /** What it holds in memory is worth nothing any more. */
  #fail(why: string): void {
    if (this.#end !== undefined) return;
    this.#end = { why, isPassing: false };
    if (this.#asked === undefined) this.#start.log(`the program is killed: ${why}`);
    this.kill();
    this.#tell();
  }

  #finish(why: string, isPassing = false): void {
    this.#end ??= { why, isPassing };
    this.#health.pause();
    // What it has started and left behind goes with it.
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, 'SIGKILL');
    this.#tell();
    this.#ended.resolve();
  }

  #tell(): void {
    this.#greeted.reject(new Error('the program has ended'));
    if (this.#asked !== undefined) this.#asked.reject(this.#error(this.#asked.question));
  }

  #error({ event }: ProgramQuestion): WakebusError {
    return programError(this.#start.address, event.type, this.#end ?? { why: 'it has ended', isPassing: false });
  }

  #say(line: string): void {
    if (this.#child.stdin?.writable === true) this.#child.stdin.write(line);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) signalGroup(pid, signal);
  }
}

function startProcess(spec: ProcessSpec, means: Means, start: ProgramStart): ChildProcess {
  const [command, ...args] = confined(spec, means);
  try {
    // Detached: a group of its own, which one signal reaches.
    return spawn(command, args, {
      cwd: spec.cwd,
      env: environmentOf(spec, start),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    throw programError(start.address, start.cause, { why: notStarted(error), isPassing: passes(error) });
  }
}

function notStarted({ message }: Error): string {
  return `it could not be started (${message})`;
}

function passes({ code = '' }: NodeJS.ErrnoException): boolean {
  return PASSING.includes(code);
}

function programError(address: string, event: string, { why, isPassing }: End): WakebusError {
  if (isPassing) return new WakebusError('UNAVAILABLE', { what: `The program of ${address} (${why})` });
  return new WakebusError('PROGRAM_FAILED', { address, event, why });
}

function howEnded(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it ended with exit code ${code ?? 'unknown'}` : `it was ended by ${signal}`;
}

function environmentOf({ env }: ProcessSpec, start: ProgramStart): Record<string, string> {
  const own = ['PATH', 'LANG', 'TZ'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const traceparent = start.headers?.['traceparent'];
  return {
    ...Object.fromEntries(own),
    ...env,
    WAKEBUS_AGENT: withoutNul(start.address),
    WAKEBUS_EPOCH: String(start.epoch),
    WAKEBUS_CAUSE: withoutNul(start.cause),
    ...(traceparent !== undefined && { TRACEPARENT: withoutNul(traceparent) }),
  };
}

/** Strangers name agents and events, and no environment holds this character: its program could never be started. The frames have it. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
