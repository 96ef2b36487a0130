/**
 * The machine of every agent whose behaviour is a program: it holds the program's state, and takes its answers.
 *
 * It knows one event. What the outside sends is put to the program first (`question.ts`), so whatever strangers call
 * their events, no machine sees these names.
 */
import type { AgentEvent } from '@wakebus/protocol';
import { type AnyStateMachine, type EventObject, createMachine, enqueueActions } from 'xstate';
import { refuse, reply, sendToAgent, sleepNow } from '../actions.ts';
import type { ProgramAnswer } from './runner.ts';

const ANSWER = 'program.answer';

interface ProgramContext {
  readonly state: unknown;
  readonly output: unknown;
}

/** A program's answer as the machine gets it. */
export function answerEvent(answer: ProgramAnswer): AgentEvent {
  return { type: ANSWER, answer };
}

/** The state that a program has left in a machine of {@link programMachine}. */
export function programStateOf(snapshot: { readonly context: unknown } | undefined): unknown {
  return (snapshot?.context as ProgramContext | undefined)?.state ?? null;
}

const take = enqueueActions(({ event, enqueue }) => {
  const answer = answerIn(event);
  if (answer.state !== undefined) enqueue.assign({ state: answer.state });
  if (answer.complete !== undefined) enqueue.assign({ output: answer.complete.output });
  for (const { to, event: sent } of answer.sends ?? []) enqueue(sendToAgent(to, sent));
  for (const id of answer.cancels ?? []) enqueue.cancel(id);
  for (const { id, delayMs, event: later } of answer.timers ?? []) enqueue.raise(later, { id, delay: delayMs });
  for (const emitted of answer.emits ?? []) enqueue.emit(emitted);
  if (answer.refuse !== undefined) enqueue(refuse(answer.refuse.reason, answer.refuse.detail as object | undefined));
  else if (answer.reply !== undefined) enqueue(reply(answer.reply as object));
  if (answer.sleep === true) enqueue(sleepNow());
});

/** For `defineAgent({ type, machine: programMachine(), runner })`. */
export function programMachine(): AnyStateMachine {
  return createMachine({
    context: { state: null, output: null } satisfies ProgramContext,
    initial: 'serving',
    output: ({ context }: { readonly context: unknown }) => (context as ProgramContext).output,
    states: {
      serving: {
        on: {
          [ANSWER]: [
            {
              guard: ({ event }: { readonly event: EventObject }) => answerIn(event).complete !== undefined,
              target: 'completed',
              actions: take,
            },
            { actions: take },
          ],
        },
      },
      completed: { type: 'final' },
    },
  }) as AnyStateMachine;
}

function answerIn(event: EventObject): ProgramAnswer {
  return (event as EventObject & { readonly answer: ProgramAnswer }).answer;
}
