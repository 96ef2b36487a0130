/** What operators ask of an agent, and what is said of one whose life is over. */
import {
  type EffectResolution,
  type RecordLifecycle,
  WakebusError,
  addressOf,
  isWakebusError,
} from '@wakebus/protocol';
import { asInbound } from './agent-messages.ts';
import type { TurnDraft } from './draft.ts';
import { abortEffect, resolveEffect } from './effects.ts';
import { giveUp } from './give-up.ts';
import type { InboundOf } from './inbound.ts';
import { openEffects } from './journal.ts';
import { deliverTo } from './machine-step.ts';
import { applyTimerControl } from './timers.ts';

/** What is said of an agent whose life is over. */
export const OVER: Partial<Record<RecordLifecycle['name'], 'AGENT_COMPLETED' | 'AGENT_REMOVED'>> = {
  completed: 'AGENT_COMPLETED',
  removed: 'AGENT_REMOVED',
};

function applyResolution(draft: TurnDraft, inbound: InboundOf<'control'>, resolution: EffectResolution): void {
  const address = addressOf(draft.memory.key);
  const { name } = draft.lifecycle;
  if (name === 'suspended' || name === 'quarantined' || name === 'failed') {
    const reason = `it is ${name} and takes no events; release it first`;
    return draft.reply(inbound, { ok: false, error: new WakebusError('AGENT_REFUSED', { address, reason }).toJSON() });
  }
  try {
    resolveEffect(draft, resolution, deliverTo(draft, inbound));
  } catch (thrown) {
    if (!isWakebusError(thrown, 'EFFECT_NOT_FOUND')) throw thrown;
    return draft.reply(inbound, { ok: false, error: thrown.toJSON() });
  }
  draft.reply(inbound, { ok: true });
}

/** Does what an operator asks, and answers. */
export function applyControl(draft: TurnDraft, inbound: InboundOf<'control'>): void {
  const { verb, effect, timer, reason = 'by an operator' } = inbound.control;
  draft.history.push({ seq: inbound.seq, type: `wakebus.${verb}` });
  const { name } = draft.lifecycle;
  const over = OVER[name];
  // A life that is over stays over: released from a suspension, the agent would go on in it.
  if (verb === 'suspend' && over !== undefined)
    return draft.reply(inbound, { ok: false, error: errorOf(over, draft).toJSON() });
  if (effect !== undefined && verb === 'resolve') return applyResolution(draft, inbound, effect);
  if (timer !== undefined) return applyTimerControl(draft, inbound, timer);
  if (verb === 'remove') removeAgent(draft);
  // Nor is a suspension, with the release that follows, a way out of quarantine.
  else if (verb === 'suspend' && name !== 'quarantined')
    draft.setLifecycle('suspended', { code: 'SUSPENDED', message: reason });
  else if (verb === 'release' && (name === 'suspended' || name === 'failed')) release(draft);
  draft.reply(inbound, { ok: true });
}

/** What the agent failed on has all its tries again: somebody has looked at it. */
function release(draft: TurnDraft): void {
  if (draft.lifecycle.name === 'failed') draft.attempt = undefined;
  draft.setLifecycle('awake');
}

/** What is answered on behalf of an agent that takes nothing any more. */
export function errorOf(code: 'AGENT_COMPLETED' | 'AGENT_REMOVED', draft: TurnDraft): WakebusError {
  return new WakebusError(code, { address: addressOf(draft.memory.key) });
}

/** What remains is a tombstone: it holds the incarnation, so that an old message cannot reach a later life. */
function removeAgent(draft: TurnDraft): void {
  const error = errorOf('AGENT_REMOVED', draft);
  for (const early of draft.early) giveUp(draft, asInbound(draft, early), error, 0);
  draft.cancelAll();
  for (const effect of openEffects(draft.journal)) abortEffect(draft, effect);
  draft.early = [];
  draft.snapshot = undefined;
  draft.sleep = true;
  draft.setLifecycle('removed');
}
