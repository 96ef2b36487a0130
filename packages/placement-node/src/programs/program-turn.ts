/**
 * A turn of an agent whose behaviour is a program: one event, put to the program and taken with its answer.
 *
 * The pure turn names what it must ask; it is thrown away, and taken again with the answer. Before the program
 * gets anything, a commit says that the agent is this node's: what a program does in the world no later commit takes
 * back. A program that fails is counted as the machine's failure, in the commit that follows.
 */
import type { AgentMemory, Answered, Inbound, ProgramQuestion, TurnJob } from '@wakebus/core';
import { isWakebusError } from '@wakebus/protocol';
import { askGate } from '../gate/questions.ts';
import type { IsolatedTurn } from '../isolation/isolated-turn.ts';
import type { NodeContext } from '../node-context.ts';
import { takeTurnHere } from '../turn-here.ts';
import { type AgentProgram, ProgramUnwanted } from './agent-program.ts';
import type { RunningSpan } from '../telemetry/running-span.ts';

/** What such a turn needs of its activation. */
export interface ProgramTurn {
  readonly program: AgentProgram;
  readonly inbounds: readonly Inbound[];
  readonly running: RunningSpan;
  /** The turn on the agent as it is committed now. */
  job(): TurnJob;
  /** Commits that the agent is this node's, where no commit says so yet. @returns `false` when that was lost. */
  claim(): Promise<boolean>;
}

/**
 * Takes the turn.
 *
 * @returns `lost` when the agent is not this node's any more, or will not be in a moment.
 * @throws {WakebusError} `UNAVAILABLE` when the program cannot be started now.
 */
export async function takeProgramTurn(
  context: NodeContext,
  turn: ProgramTurn,
): Promise<IsolatedTurn | { readonly kind: 'lost'; readonly error?: undefined }> {
  const { inbounds } = turn;
  const answers = await askGate(context, turn.job().memory, inbounds, turn.job().env);
  const answered: Answered[] = [];
  const take = (job: TurnJob): ReturnType<typeof takeTurnHere> =>
    takeTurnHere(context.ports.clock, asking(job, answered, answers), inbounds);
  let taken = take(turn.job());
  if (taken.question === undefined) return { kind: 'taken', turn: taken };
  if (!(await turn.claim())) return { kind: 'lost' };
  const job = turn.job();
  for (taken = take(job); taken.question !== undefined; taken = take(job)) {
    const outcome = await ask(turn, job.memory, taken.question);
    if (outcome === undefined) return { kind: 'lost' };
    answered.push(outcome);
  }
  // What it answered cannot be taken: it remembers what the agent's record does not say.
  if (taken.failure !== undefined || taken.deadLetters.length > 0) turn.program.fail();
  return { kind: 'taken', turn: taken };
}

/** One event, on a copy of what a turn changes in place. */
function asking(job: TurnJob, answered: readonly Answered[], answers: TurnJob['env']['answers']): TurnJob {
  const memory = { ...job.memory, seen: job.memory.seen.fork() };
  const env = { ...job.env, answered, ...(answers !== undefined && { answers }) };
  return { ...job, memory, env, maxEvents: 1 };
}

/** @returns nothing when nobody may use the answer. */
async function ask(
  { program, running }: ProgramTurn,
  memory: AgentMemory,
  question: ProgramQuestion,
): Promise<Answered | undefined> {
  try {
    return { answer: await program.ask(memory, question, running) };
  } catch (thrown) {
    if (thrown instanceof ProgramUnwanted) return undefined;
    if (isWakebusError(thrown, 'PROGRAM_FAILED')) return { error: thrown };
    throw thrown;
  }
}

/** Looks whether the programs of all agent types can be run here, and says what is missing. @throws {WakebusError} `INVALID_OPTION` */
export async function prepareRunners(
  definitions: ReadonlyArray<AgentMemory['definition']>,
  log: NodeContext['log'] | undefined,
): Promise<void> {
  for (const { runner, type } of definitions) {
    for (const note of (await runner?.prepare()) ?? []) log?.warn(note, { type });
  }
}
