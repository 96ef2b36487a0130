/**
 * What the in-memory server and its ports need of whoever carries messages and moves the time: the
 * simulation. Nothing here knows of seeds or of schedules.
 */
import type { Clock, Random } from '@wakebus/placement-node';

/** Misbehaviour that the server itself must act out. */
export type ServerFault =
  | 'spill'
  | 'deliveryLost'
  | 'redeliver'
  | 'overtaken'
  | 'ttlLate'
  | 'scheduleLate'
  | 'plainLost'
  | 'writeInFlight'
  | 'full';

/** The server's surroundings. */
export interface ServerEnvironment {
  /** Wall time of the server, in milliseconds since the epoch. */
  nowMs(): number;
  /** Runs something in the server, not before `delayMs`; it survives a restart of the server. */
  after(delayMs: number, label: string, run: () => void): void;
  /** Whether a fault strikes here and now. */
  hits(fault: ServerFault): boolean;
  /** A whole number in [0, limit), drawn by the seed. */
  below(limit: number): number;
  /** A name that nobody else draws. */
  id(): string;
}

/** An ordered way: what is put in first arrives first. */
export interface Way {
  readonly name: string;
}

/** What the server gives when it does not answer at all: the caller waits in vain. */
export const NO_ANSWER: unique symbol = Symbol('no answer');

/** How a lost answer shows: writes are repeated or read back, reads throw. */
export type OperationKind = 'write' | 'read' | 'fresh';

/** One request of a node to the server. */
export interface Operation<T> {
  readonly way: Way;
  readonly label: string;
  /** `read` may be answered from an older state; `fresh` only by a fault of its own. */
  readonly kind: OperationKind;
  /** Runs when the request arrives. `lag` says from how many changes ago a read is answered. */
  readonly atServer: (lag: number) => T | typeof NO_ANSWER;
  /** What the caller gets when no answer came: a value, or a throw. */
  readonly unanswered: () => T;
}

/** One node's connection to the server. */
export interface Link {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Messages that a consumption asks for at once. */
  readonly stock: number;
  /** An ordered way from the node to the server, by name. */
  toServer(name: string): Way;
  /** An ordered way from the server to the node, by name. */
  toNode(name: string): Way;
  call<T>(operation: Operation<T>): Promise<T>;
  /** Sends without waiting for an answer. */
  send(way: Way, label: string, atServer: () => void): void;
  /** Hands something to the node. */
  deliver(way: Way, label: string, atNode: () => void): void;
  /** Whether the server takes the node for connected. */
  isConnected(): boolean;
  /** For how long the node has not moved, in milliseconds; 0 while it runs. */
  stoppedForMs(): number;
  /** Calls back, in the node, whenever it has connected again. */
  onReconnect(callback: () => void): () => void;
  /** Calls back, in the server, when the node's connection has ended. */
  onDisconnect(callback: () => void): () => void;
}
