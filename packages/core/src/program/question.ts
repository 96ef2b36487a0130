/**
 * How a pure turn asks a program: it does not. A turn that lacks an answer names the question and is thrown away; once
 * the program has answered, the same turn is taken again with the answer in hand.
 */
import type { AgentEvent, WakebusError } from '@wakebus/protocol';
import type { TurnDraft } from '../turn/draft.ts';
import type { Inbound } from '../turn/inbound.ts';
import type { StepFacts } from '../turn/machine-step.ts';
import { answerEvent } from './program-machine.ts';
import type { ProgramAnswer } from './runner.ts';

/** What came of a question. */
export type Answered = { readonly answer: ProgramAnswer } | { readonly error: WakebusError };

/**
 * The event for the agent's machine in the place of one from outside: its program's answer.
 *
 * @returns nothing when the program has not been asked yet. The turn is then worth nothing but its question.
 * @throws {WakebusError} what the program has failed with.
 */
export function putToProgram(
  draft: TurnDraft,
  inbound: Inbound,
  event: AgentEvent,
  { from, id = inbound.messageId }: StepFacts,
): AgentEvent | undefined {
  if (draft.question !== undefined) return undefined;
  // Turns are pure: the same one asks the same questions in the same order.
  const answered = draft.env.answered?.[draft.questions];
  draft.questions += 1;
  if (answered === undefined) {
    const attempt = attemptOf(draft);
    const named = { ...(from !== undefined && { from }), ...(id !== undefined && { id }) };
    draft.question = { seq: inbound.seq, event, attempt, ...named };
    return undefined;
  }
  if ('error' in answered) throw answered.error;
  return answerEvent(answered.answer);
}

/** By the turn, and not by the event: one that waited at the gate, or for another, is asked in the turn of what has let it in. */
function attemptOf({ memory }: TurnDraft): number {
  const { attempt } = memory.record;
  // One that was made durable before it ran stands for a node that may have died of it, or with it: it has begun before.
  return attempt === undefined ? 1 : attempt.count + 1;
}
