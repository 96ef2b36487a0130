/** Taking a turn: where its agent type has its turns taken, and no further into the agent than its gate needs. */
import { type AgentMemory, type Inbound, type TurnJob, openState } from '@wakebus/core';
import { type WakebusError, isInChunks, isWakebusError } from '@wakebus/protocol';
import { askGate } from './gate/questions.ts';
import { type IsolatedTurn, takeIsolatedTurn } from './isolation/isolated-turn.ts';
import type { NodeContext } from './node-context.ts';
import { fetchChunks, isGone } from './objects/record-chunks.ts';
import { inPhase } from './phase.ts';
import { type ProgramTurn, takeProgramTurn } from './programs/program-turn.ts';
import { isRestore, takeRestore } from './snapshots/restore.ts';
import { takeTurnHere } from './turn-here.ts';

/** What a turn of any agent needs; a program only where its behaviour is one. */
type AnyTurn = Omit<ProgramTurn, 'program'> & { readonly program: ProgramTurn['program'] | undefined };

/** Takes a turn as its messages and its agent type ask for it. What takes the agent back is a turn of its own. */
export function takeAny(
  context: NodeContext,
  turn: AnyTurn,
): GateTurn | Promise<GateTurn> | ReturnType<typeof takeProgramTurn> {
  const { inbounds, program } = turn;
  const job = turn.job();
  const [head] = inbounds;
  if (head !== undefined && isRestore(job, head)) {
    // What a program remembers is not what its agent will be.
    program?.fail();
    return takeRestore(context, job, head);
  }
  if (program !== undefined) return takeProgramTurn(context, { ...turn, program });
  const at = inbounds.findIndex((inbound) => isRestore(job, inbound));
  const cut = at < 0 ? job : { ...job, messages: job.messages.slice(0, at) };
  const before = at < 0 ? inbounds : inbounds.slice(0, at);
  return (job.memory.definition.gate.length > 0 ? takeAtGate : takeJob)(context, cut, before);
}

function takeJob(
  { log, ports, turnRunners }: NodeContext,
  job: TurnJob,
  inbounds: readonly Inbound[],
): IsolatedTurn | Promise<IsolatedTurn> {
  const { isolation, type } = job.memory.definition;
  const runner = isolation && turnRunners.get(type);
  if (runner !== undefined) return takeIsolatedTurn(runner, job, log);
  return { kind: 'taken', turn: takeTurnHere(ports.clock, job, inbounds) };
}

/** What comes of a turn at the gate. `gone`: its state is not to be had, and an operator must look. */
type GateTurn = IsolatedTurn | { readonly kind: 'gone'; readonly error: WakebusError };

/** Takes a turn with what the gate has seen, and opens the state only when a message needs it. */
async function takeAtGate(context: NodeContext, job: TurnJob, inbounds: readonly Inbound[]): Promise<GateTurn> {
  const answers = await askGate(context, job.memory, inbounds, job.env);
  const asked = answers === undefined ? job : { ...job, env: { ...job.env, answers } };
  const taken = await takeJob(context, asked, inbounds);
  if (taken.kind !== 'taken' || taken.turn.consumed > 0 || job.memory.isUndecoded !== true) return taken;
  const opened = await openAtGate(context, job.memory);
  if ('kind' in opened) return opened;
  const { type } = opened.definition;
  context.telemetry.wakes.add(1, { type, source: inbounds[0]?.kind ?? 'mailbox' });
  return takeJob(context, { ...asked, memory: opened }, inbounds);
}

/** The memory with its state open. Of one in chunks the bytes are fetched only now, and needed no more then. */
async function openAtGate(
  context: NodeContext,
  memory: AgentMemory,
): Promise<AgentMemory | Exclude<GateTurn, { kind: 'taken' }>> {
  const { key, record } = memory;
  let whole = record;
  try {
    if (isInChunks(record))
      whole = (await inPhase(context, key, 'hydrate', fetchChunks(context.ports, key, record))).record;
  } catch (thrown) {
    if (!isWakebusError(thrown) || !isGone(thrown)) throw thrown;
    return { kind: 'gone', error: thrown };
  }
  try {
    return { ...openState({ ...memory, record: whole }), record };
  } catch (thrown) {
    if (!isWakebusError(thrown)) throw thrown;
    return { kind: 'homeless', error: thrown };
  }
}
