/**
 * A turn of an isolated agent type: taken by a runner, and where it had to be stopped taken again without
 * the message that was to blame, which is counted as failed. What comes back is a turn like any other.
 *
 * The count is in the commit that follows, so it is durable before the message is run again.
 */
import { type Turn, type TurnJob, type TurnResult, packJob, unpackResult } from '@wakebus/core';
import { WakebusError, addressOf } from '@wakebus/protocol';
import type { NodeLog } from '../node-context.ts';
import type { TurnRun, TurnRunner } from '../ports/turn-runner.ts';

/** What became of it. `homeless`: the agent must not run here, and no message is to blame. */
export type IsolatedTurn =
  | { readonly kind: 'taken'; readonly turn: Turn }
  | Exclude<TurnResult, { readonly kind: 'taken' }>;

/**
 * Takes a turn.
 *
 * @param log - Hears of each turn that was stopped: until it is tried again its agent takes no events.
 * @throws {WakebusError} `UNAVAILABLE` when there is nowhere to take it now.
 */
export async function takeIsolatedTurn(runner: TurnRunner, job: TurnJob, log: NodeLog): Promise<IsolatedTurn> {
  const poison = new Map(job.poison);
  for (;;) {
    const run = await runner.take(packJob({ ...job, poison }));
    if (run.kind === 'taken') return withActions(unpackResult(job.memory, run.result), run.act);
    if (run.seq === undefined || poison.has(run.seq)) return homeless(job, run);
    const error = stopped(job, run);
    log.warn(error.message, { agent: job.memory.key, code: error.code });
    poison.set(run.seq, error);
  }
}

function withActions(result: TurnResult, act: () => void): IsolatedTurn {
  if (result.kind !== 'taken') return result;
  const { actions, turn } = result;
  return { kind: 'taken', turn: actions === 0 ? turn : { ...turn, actions: [act] } };
}

function stopped({ memory, messages }: TurnJob, { seq, why }: Extract<TurnRun, { kind: 'stopped' }>): WakebusError {
  const event = messages.find((message) => message.seq === seq)?.subject ?? 'a message that was kept back';
  return new WakebusError('TURN_STOPPED', { address: addressOf(memory.key), event, why });
}

function homeless({ memory }: TurnJob, { why }: Extract<TurnRun, { kind: 'stopped' }>): IsolatedTurn {
  const error = new WakebusError('SNAPSHOT_HOMELESS', {
    address: addressOf(memory.key),
    why: `its turn was stopped before any message: ${why}`,
  });
  return { kind: 'homeless', error };
}
