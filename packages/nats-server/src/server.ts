/**
 * One nats-server process: started, killed, restarted on the same port and store, stopped.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerConfig, configText } from './config.ts';
import { NatsServerError } from './errors.ts';
import { waitUntilReady } from './readiness.ts';
import type { Watchdog } from './watchdog.ts';

/** How long a server may take to end on a polite signal, in milliseconds, before it is killed. It needs 20. */
const politeStopMs = 5_000;

/** How many lines of a server's log an error shows: the fatal one is the last. */
const shownLogLines = 12;

/** A running server, as users of the package see it. */
export interface ServerHandle {
  /** Where clients connect, as in `nats://127.0.0.1:24222`. Stays the same across restarts. */
  readonly url: string;
  /** Its name in the cluster, as the server's own reports use it: `n1`, `n2`, `n3`. */
  readonly name: string;
  /** The port of its monitoring endpoints (`/healthz`, `/jsz`, …), on 127.0.0.1. */
  readonly monitorPort: number;
  /** The process ID; another one after a restart. */
  readonly pid: number;
  /**
   * Sends a signal, for fault tests. Resolves when the process has ended, or at once for a signal that does not end it.
   *
   * @param signal - SIGSTOP and SIGCONT freeze and thaw. @default `'SIGKILL'`, the worst that can happen to a process
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /**
   * Stops the server if it runs and starts it again, on the same port and with the same data.
   *
   * @param options - `signal`: how to stop it. @default `'SIGTERM'`; `'SIGKILL'` is a crash.
   * @throws NatsServerError `SERVER_START_FAILED` or `SERVER_START_TIMEOUT`.
   */
  restart(options?: { readonly signal?: NodeJS.Signals }): Promise<void>;
  /** Stops this server in an orderly way and leaves the others and its data alone. Does nothing when it has ended. */
  stop(): Promise<void>;
}

/** What a {@link Server} needs beside its configuration. */
export interface ServerSetting {
  readonly binary: string;
  readonly watchdog: Watchdog;
  /** Where its configuration and log lie. */
  readonly folder: string;
  readonly startTimeoutMs: number;
}

/** One server and its process, if it has one. */
export class Server implements ServerHandle {
  readonly url: string;
  readonly name: string;
  readonly monitorPort: number;
  readonly #config: ServerConfig;
  readonly #setting: ServerSetting;
  readonly #logPath: string;
  #process: ChildProcess | undefined;

  constructor(config: ServerConfig, setting: ServerSetting) {
    this.#config = config;
    this.#setting = setting;
    this.url = `nats://127.0.0.1:${config.port}`;
    this.name = config.name;
    this.monitorPort = config.monitorPort;
    this.#logPath = join(setting.folder, `${config.name}.log`);
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts the process without waiting until it is ready: servers of a cluster wait for each other. */
  launch(): void {
    const { binary, watchdog, folder } = this.#setting;
    const configPath = join(folder, `${this.name}.conf`);
    mkdirSync(this.#config.storeDir, { recursive: true });
    writeFileSync(configPath, configText(this.#config));
    const logFd = openSync(this.#logPath, 'a');
    this.#process = watchdog.spawn(binary, ['--config', configPath], logFd);
    closeSync(logFd);
  }

  /** Waits until the server may be used. */
  async ready(): Promise<void> {
    const missing = await waitUntilReady({
      monitorPort: this.monitorPort,
      clusterSize: (this.#config.cluster?.routes.length ?? 0) + 1,
      deadlineMs: performance.now() + this.#setting.startTimeoutMs,
      hasExited: () => this.#hasExited(),
    });
    if (missing) throw this.#startError(missing);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#process;
    if (!running || this.#hasExited()) return;
    const survives = signal === 'SIGSTOP' || signal === 'SIGCONT' || signal === 'SIGHUP' || signal.startsWith('SIGUSR');
    const exited = survives ? undefined : once(running, 'exit');
    running.kill(signal);
    await exited;
  }

  async restart({ signal = 'SIGTERM' }: { readonly signal?: NodeJS.Signals } = {}): Promise<void> {
    await this.#end(signal);
    this.launch();
    await this.ready();
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Whether the start failed only because another process was quicker to take a port. */
  lostItsPort(): boolean {
    return this.#hasExited() && this.#log().includes('address already in use');
  }

  /** Ends the process by a signal, thawing it so that it can listen, and by force when it does not. */
  async #end(signal: NodeJS.Signals): Promise<void> {
    const force = setTimeout(() => this.#process?.kill('SIGKILL'), politeStopMs);
    const ended = this.kill(signal);
    this.#process?.kill('SIGCONT');
    await ended;
    clearTimeout(force);
  }

  #hasExited(): boolean {
    return this.#process?.exitCode != null || this.#process?.signalCode != null;
  }

  #log(): string {
    return readFileSync(this.#logPath, 'utf8').trim().split('\n').slice(-shownLogLines).join('\n  ');
  }

  #startError(missing: string): NatsServerError {
    const { startTimeoutMs } = this.#setting;
    const where = `nats-server ${this.name} (${this.#setting.binary}) on ${this.url}`;
    if (this.#hasExited())
      return new NatsServerError(
        'SERVER_START_FAILED',
        `${where} ended while starting. Correct what its log names:\n  ${this.#log()}`,
      );
    return new NatsServerError(
      'SERVER_START_TIMEOUT',
      `${where} was not ready after ${startTimeoutMs} ms: ${missing}. Give it longer with startTimeoutMs, or see its log:\n  ${this.#log()}`,
    );
  }
}
