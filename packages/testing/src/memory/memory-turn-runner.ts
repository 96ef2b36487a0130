/**
 * Turns of isolated agent types in this very thread, over the bytes that a thread would get: the simulator
 * runs the placement node's own code around them.
 *
 * Nothing can be stopped here. A machine that wants to be seen as stopped calls {@link stopTurn}.
 */
import { runJob } from '@wakebus/core';
import { type Clock, type TurnRun, type TurnRunner, type TurnRunners, delay } from '@wakebus/placement-node';

/** The turn that is being taken, if one is. */
let current: { seq: number | undefined; isStopped: boolean } | undefined;

/**
 * Has the turn that runs now taken for one that had to be stopped at this message. It does not return then,
 * but throws.
 *
 * @returns where no turn is taken by a runner of this kind: something else must stop it there.
 */
export function stopTurn(): void {
  if (current === undefined) return;
  current.isStopped = true;
  throw new Error('the turn was stopped');
}

/** Runners whose turns take a moment of a clock. */
export function memoryTurnRunners(clock: Clock): TurnRunners {
  return { open: (definition, layout, log) => Promise.resolve(runnerOf(clock, definition, layout, log)) };
}

function runnerOf(clock: Clock, ...[definition, layout, log]: Parameters<TurnRunners['open']>): TurnRunner {
  const act = (action: () => void): void => {
    try {
      action();
    } catch (thrown) {
      log(`an action failed after its commit: ${String(thrown)}`);
    }
  };
  const takeNow = (job: Uint8Array): TurnRun => {
    const turn: NonNullable<typeof current> = { seq: undefined, isStopped: false };
    current = turn;
    try {
      const onBegin = ({ seq }: { readonly seq: number }): void => {
        if (!turn.isStopped) turn.seq = seq;
      };
      const place = { definition, layout, monotonicMs: () => clock.monotonicMs(), onBegin };
      const { result, actions } = runJob(place, job);
      if (turn.isStopped) return { kind: 'stopped', seq: turn.seq, why: 'it stopped itself' };
      return { kind: 'taken', result, act: () => actions.forEach(act) };
    } finally {
      current = undefined;
    }
  };
  return {
    take: async (job) => {
      await delay(clock, 0);
      return takeNow(job);
    },
    close: () => {},
  };
}
