/**
 * The model as one side of a comparison: its time is moved by hand, its operations are answered at once,
 * and nothing goes wrong unless it is asked to.
 */
import type { Clock, ClockTimer, Ports, Random } from '@wakebus/placement-node';
import type { Layout } from '@wakebus/protocol';
import {
  type Link,
  NO_ANSWER,
  type Operation,
  type ServerEnvironment,
  type ServerFault,
  type Way,
} from '../memory/environment.ts';
import { memoryPorts } from '../memory/memory-ports.ts';
import { MemoryServer, type MemoryServerOptions } from '../memory/memory-server.ts';
import { Prng } from '../simulation/prng.ts';
import type { Deployment } from './side.ts';

/** Messages that a consumption asks for at once, as the real adapter does. */
const STOCK = 512;

interface Timer {
  readonly dueMs: number;
  readonly label: string;
  readonly run: () => void;
}

export class ModelDeployment implements Deployment, ServerEnvironment {
  readonly processes: readonly [Ports, Ports];
  /** From how many changes ago reads that may be stale are answered. */
  lag = 0;
  /** Whether a refused write says that another one is in flight, where it can be so. */
  showsWritesInFlight = false;
  readonly #server: MemoryServer;
  readonly #links: readonly DirectLink[];
  readonly #prng = new Prng(1, 'model');
  /** In the order of their times. */
  #timers: Timer[] = [];
  #nowMs: number;

  constructor(layout: Layout, options: MemoryServerOptions, epochMs: number) {
    this.#nowMs = epochMs;
    this.#server = new MemoryServer(layout, this, options);
    this.#links = ['first', 'second'].map((name) => new DirectLink(name, this, this.#prng));
    this.processes = this.#links.map((link) => memoryPorts(this.#server, link)) as unknown as readonly [Ports, Ports];
  }

  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  after(delayMs: number, label: string, run: () => void): void {
    const timer = { dueMs: this.#nowMs + delayMs, label, run };
    const at = this.#timers.findLastIndex(({ dueMs }) => dueMs <= timer.dueMs);
    this.#timers.splice(at + 1, 0, timer);
  }

  hits(fault: ServerFault): boolean {
    return fault === 'writeInFlight' && this.showsWritesInFlight;
  }

  below(): number {
    return 0;
  }

  id(): string {
    return this.#prng.id();
  }

  /** When the model does something by itself next, in its own time; `Infinity` for never. */
  get nextDueMs(): number {
    return this.#timers[0]?.dueMs ?? Infinity;
  }

  /** Moves time, and runs what falls due. */
  advanceTo(wallMs: number): void {
    for (let timer = this.#timers[0]; timer !== undefined && timer.dueMs <= wallMs; timer = this.#timers[0]) {
      this.#timers.shift();
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.run();
    }
    this.#nowMs = Math.max(this.#nowMs, wallMs);
  }

  async loseConsumer(name: string): Promise<void> {
    this.#server.shards[0]?.consumers.delete(name);
  }

  async restart(): Promise<void> {
    for (const link of this.#links) link.disconnect();
    this.#server.restart();
    for (const link of this.#links) link.reconnect();
  }
}

/** A connection over which everything arrives at once. */
class DirectLink implements Link {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly stock: number = STOCK;
  readonly #deployment: ModelDeployment;
  readonly #onReconnect = new Set<() => void>();
  readonly #onDisconnect = new Set<() => void>();
  #connected = true;

  constructor(name: string, deployment: ModelDeployment, prng: Prng) {
    this.name = name;
    this.#deployment = deployment;
    this.clock = modelClock(deployment);
    this.random = { id: () => prng.id(), fraction: () => prng.fraction() };
  }

  toServer(name: string): Way {
    return { name };
  }

  toNode(name: string): Way {
    return { name };
  }

  async call<T>({ kind, atServer, unanswered }: Operation<T>): Promise<T> {
    const answer = atServer(kind === 'read' ? this.#deployment.lag : 0);
    return answer === NO_ANSWER ? unanswered() : answer;
  }

  send(_way: Way, _label: string, atServer: () => void): void {
    if (this.#connected) atServer();
  }

  deliver(_way: Way, _label: string, atNode: () => void): void {
    if (this.#connected) atNode();
  }

  isConnected(): boolean {
    return this.#connected;
  }

  stoppedForMs(): number {
    return 0;
  }

  onReconnect(callback: () => void): () => void {
    this.#onReconnect.add(callback);
    return () => this.#onReconnect.delete(callback);
  }

  onDisconnect(callback: () => void): () => void {
    this.#onDisconnect.add(callback);
    return () => this.#onDisconnect.delete(callback);
  }

  disconnect(): void {
    this.#connected = false;
    for (const callback of this.#onDisconnect) callback();
  }

  reconnect(): void {
    this.#connected = true;
    for (const callback of this.#onReconnect) callback();
  }
}

function modelClock(deployment: ModelDeployment): Clock {
  return {
    wallMs: () => deployment.nowMs(),
    monotonicMs: () => deployment.nowMs(),
    setTimer: (delayMs, callback): ClockTimer => {
      let cancelled = false;
      deployment.after(delayMs, 'timer', () => {
        if (!cancelled) callback();
      });
      return {
        cancel: () => {
          cancelled = true;
        },
      };
    },
  };
}
