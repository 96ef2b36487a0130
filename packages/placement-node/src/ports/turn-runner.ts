/**
 * Where turns of isolated agent types are taken: somewhere that they can be stopped.
 *
 * What a turn is, is the same everywhere: `runJob` of `@wakebus/core` over the same bytes. The adapter for
 * threads is in `../isolation/`; the simulator has one that runs in its own.
 */
import type { AnyAgentDefinition } from '@wakebus/core';
import type { Layout } from '@wakebus/protocol';

/** What became of a job. */
export type TurnRun =
  | {
      readonly kind: 'taken';
      /** For `unpackResult`. */
      readonly result: Uint8Array;
      /** Runs the turn's custom actions. Called once the turn is committed, or never. */
      readonly act: () => void;
    }
  /** It had to be stopped. Nothing of it remains. */
  | {
      readonly kind: 'stopped';
      /** The message that the machine had in hand; `undefined` while its state was being opened. */
      readonly seq: number | undefined;
      /** Which limit it was, as the end of a sentence. */
      readonly why: string;
    };

/** Takes the turns of one agent type. */
export interface TurnRunner {
  /**
   * Takes a turn, in time and memory that are bounded.
   *
   * @param job - Made by `packJob`.
   * @throws {WakebusError} `UNAVAILABLE` when there is nowhere to take it now: nothing was run, try again.
   */
  take(job: Uint8Array): Promise<TurnRun>;
  /** Ends what runs, and all that it holds. What is still asked for is never answered. */
  close(): void;
}

/** Makes runners. */
export interface TurnRunners {
  /**
   * A runner for a type whose definition asks for isolation.
   *
   * @param log - Hears what an operator should read.
   * @throws {WakebusError} `INVALID_OPTION` when its module does not give this very definition.
   */
  open(definition: AnyAgentDefinition, layout: Layout, log: (message: string) => void): Promise<TurnRunner>;
}
