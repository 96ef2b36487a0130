/** The end of an agent's life: what it was about to do is not done any more. */
import { type RecordLifecycle, WakebusError, addressOf } from '@wakebus/protocol';
import { asInbound } from './agent-messages.ts';
import type { TurnDraft } from './draft.ts';
import { abortEffect } from './effects.ts';
import { giveUp } from './give-up.ts';
import { openEffects } from './journal.ts';

/** What is said of an agent whose life is over. */
export const OVER: Partial<Record<RecordLifecycle['name'], 'AGENT_COMPLETED' | 'AGENT_REMOVED'>> = {
  completed: 'AGENT_COMPLETED',
  removed: 'AGENT_REMOVED',
};

/** What is answered on behalf of an agent that takes nothing any more. */
export function errorOf(code: 'AGENT_COMPLETED' | 'AGENT_REMOVED', draft: TurnDraft): WakebusError {
  return new WakebusError(code, { address: addressOf(draft.memory.key) });
}

/** Forgets state, timers, effects and messages that came early. @param error - What the senders of the last are told. */
export function endLife(draft: TurnDraft, error: WakebusError): void {
  for (const early of draft.early) giveUp(draft, asInbound(draft, early), error, 0);
  draft.cancelAll();
  for (const effect of openEffects(draft.journal)) abortEffect(draft, effect);
  draft.early = [];
  draft.snapshot = undefined;
  draft.workspace = undefined;
  draft.hasEnded = true;
  // What it had processed is known no more, and must not be asked for again.
  if (draft.memory.isPartial === true) draft.memory.seen.forgetSpilled();
}
