/**
 * Agents whose behaviour is a program: what a placement node asks of whatever runs it.
 *
 * Each event is put to the program, and what it answers is taken by the agent's machine in one ordinary turn. So
 * such an agent has the same record, inbox, dedupe, attempts and commits as any other. Types only: a runner is a
 * technology, and none is known here.
 */
import type { AgentEvent, Headers } from '@wakebus/protocol';

/** An event as a program gets it. */
export interface ProgramQuestion {
  /** Its sequence in the inbox. One that has waited at the gate, aside, or for another has a lower one than those before it. */
  readonly seq: number;
  readonly event: AgentEvent;
  /** Counts from 1; more than that says that it may have been done before, in part or whole. */
  readonly attempt: number;
  /** The agent that has sent it, where one has. */
  readonly from?: string;
  /** The sender's own ID of it, where there is one: the same in every attempt. */
  readonly id?: string;
}

/** What a program wants done about an event. All of it is committed at once, or nothing is. */
export interface ProgramAnswer {
  /** What the agent is from now on; as before where it is left out. */
  readonly state?: unknown;
  /** Answers the caller; `null` where nobody answers. */
  readonly reply?: unknown;
  readonly refuse?: { readonly reason: string; readonly detail?: unknown };
  /** To other agents, in this order. */
  readonly sends?: ReadonlyArray<{ readonly to: string; readonly event: AgentEvent }>;
  /** Events to itself, later. One with the same ID replaces the one before. */
  readonly timers?: ReadonlyArray<{ readonly id: string; readonly delayMs: number; readonly event: AgentEvent }>;
  /** IDs of timers that are taken back, before {@link timers} are set. */
  readonly cancels?: readonly string[];
  /** To whoever observes the agent; best effort. */
  readonly emits?: readonly AgentEvent[];
  /** Goes to sleep after this event. */
  readonly sleep?: boolean;
  /** The agent is complete, with this output. */
  readonly complete?: { readonly output: unknown };
}

/** What a program is started with. */
export interface ProgramStart {
  readonly address: string;
  /** Of the session: rises with every claim of the agent. */
  readonly epoch: number;
  /** As committed; `null` where there is none yet. */
  readonly state: unknown;
  /** Name of the event that it is started for. */
  readonly cause: string;
  /** Trace context. */
  readonly headers?: Headers;
  /** Takes what the program says besides its answers, line by line. */
  readonly log: (line: string, facts?: Readonly<Record<string, unknown>>) => void;
}

/** A program that runs for one agent. */
export interface Program {
  /** Whether it has ended. Its agent's next event starts another. */
  readonly isOver: boolean;
  /**
   * Puts an event to it. One at a time.
   *
   * @throws {WakebusError} `PROGRAM_FAILED` when it ends, fails, or takes too long: it is killed, and the event counts as failed. `UNAVAILABLE` when it could not be started for want of something that comes back: nothing is counted.
   */
  ask(question: ProgramQuestion, headers: Headers | undefined): Promise<ProgramAnswer>;
  /** It gets no time to run until {@link resume}. */
  pause(): void;
  resume(): void;
  /** Asks it to end, waits within bounds, and then kills it with all that it has started. @returns when nothing of it runs. */
  stop(): Promise<void>;
  /** Kills it at once, with all that it has started. What is asked of it throws. */
  kill(): void;
}

/** Starts the programs of one agent type. */
export interface AgentRunner {
  /**
   * Looks whether programs can be run here, and how well they are kept from the rest of the machine.
   *
   * @returns what an operator should know, in sentences; nothing, when all that was asked for can be had.
   * @throws {WakebusError} `INVALID_OPTION` when they cannot run here as asked.
   */
  prepare(): Promise<readonly string[]>;
  /** @throws {WakebusError} as {@link Program.ask}, where it is known at once that nothing comes of it. */
  start(start: ProgramStart): Program;
}
