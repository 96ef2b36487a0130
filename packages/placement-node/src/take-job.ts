/** Taking a turn: where its agent type has its turns taken, and no further into the agent than its gate needs. */
import { type AgentMemory, type Inbound, type TurnJob, openState } from '@wakebus/core';
import { isWakebusError } from '@wakebus/protocol';
import { askGate } from './gate/questions.ts';
import { type IsolatedTurn, takeIsolatedTurn } from './isolation/isolated-turn.ts';
import type { NodeContext } from './node-context.ts';
import { takeTurnHere } from './turn-here.ts';

/** @param inbounds - The job's messages, as they are read already. */
export function takeJob(
  { log, ports, turnRunners }: NodeContext,
  job: TurnJob,
  inbounds: readonly Inbound[],
): IsolatedTurn | Promise<IsolatedTurn> {
  const { isolation, type } = job.memory.definition;
  const runner = isolation && turnRunners.get(type);
  if (runner !== undefined) return takeIsolatedTurn(runner, job, log);
  return { kind: 'taken', turn: takeTurnHere(ports.clock, job, inbounds) };
}

/** Takes a turn with what the gate has seen, and opens the state only when a message needs it. */
export async function takeAtGate(
  context: NodeContext,
  job: TurnJob,
  inbounds: readonly Inbound[],
): Promise<IsolatedTurn> {
  const answers = await askGate(context, job.memory, inbounds, job.env);
  const asked = answers === undefined ? job : { ...job, env: { ...job.env, answers } };
  const taken = await takeJob(context, asked, inbounds);
  if (taken.kind !== 'taken' || taken.turn.consumed > 0 || job.memory.isUndecoded !== true) return taken;
  let memory: AgentMemory;
  try {
    memory = openState(job.memory);
  } catch (thrown) {
    if (!isWakebusError(thrown)) throw thrown;
    return { kind: 'homeless', error: thrown };
  }
  const { type } = memory.definition;
  context.telemetry.wakes.add(1, { type, source: inbounds[0]?.kind ?? 'mailbox' });
  return takeJob(context, { ...asked, memory }, inbounds);
}
