/** What operators ask of an agent. */
import { type ControlMessage, type EffectResolution, type WakebusError, isWakebusError } from '@wakebus/protocol';
import type { TurnDraft } from './draft.ts';
import { resolveEffect } from './effects.ts';
import type { InboundOf } from './inbound.ts';
import { OVER, endLife, errorOf } from './life-end.ts';
import { deliverTo } from './machine-step.ts';
import { applyTimerControl } from './timers.ts';
import { recover, refusal, standing } from './recovery.ts';
import { isRunnable } from './runnable.ts';

function applyResolution(draft: TurnDraft, inbound: InboundOf<'control'>, resolution: EffectResolution): void {
  if (!isRunnable(draft)) return draft.reply(inbound, { ok: false, error: standing(draft).toJSON() });
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
  const { verb, effect, timer } = inbound.control;
  draft.history.push({ seq: inbound.seq, type: `wakebus.${verb}` });
  if (effect !== undefined && verb === 'resolve') return applyResolution(draft, inbound, effect);
  if (timer !== undefined) return applyTimerControl(draft, inbound, timer);
  const error = change(draft, inbound.control);
  draft.reply(inbound, error === undefined ? { ok: true } : { ok: false, error: error.toJSON() });
}

/** Changes what the agent is, as far as it can be. @returns why not. */
function change(draft: TurnDraft, { verb, decision, reason }: ControlMessage): WakebusError | undefined {
  switch (verb) {
    case 'remove':
      removeAgent(draft);
      return undefined;
    case 'suspend':
      return suspend(draft, reason);
    case 'release':
      return release(draft);
    case 'recover':
      return recover(draft, decision);
    case 'clear':
      return clear(draft);
    default:
      return undefined;
  }
}

function suspend(draft: TurnDraft, reason: string = 'by an operator'): WakebusError | undefined {
  const over = OVER[draft.lifecycle.name];
  // A life that is over stays over: released from a suspension, the agent would go on in it.
  if (over !== undefined) return errorOf(over, draft);
  // Nor is a suspension, with the release that follows, a way out of quarantine.
  if (draft.lifecycle.name === 'quarantined') return refusal(draft, 'it is in quarantine, and takes no events already');
  draft.setLifecycle('suspended', { code: 'SUSPENDED', message: reason });
  return undefined;
}

function release(draft: TurnDraft): WakebusError | undefined {
  const { name } = draft.lifecycle;
  if (name === 'quarantined') return refusal(draft, 'it is in quarantine; look at it, then recover or remove it');
  if (name === 'failed') return recover(draft);
  if (name === 'suspended') draft.setLifecycle(...resumed(draft));
  return undefined;
}

/** A message that had failed before the suspension still waits for its next try. */
function resumed({ attempt }: TurnDraft): Parameters<TurnDraft['setLifecycle']> {
  return attempt === undefined ? ['awake'] : ['backoff', { code: 'TURN_FAILED', message: attempt.reason }];
}

/** What stands aside is thrown away by the turns that follow; all that came before this request stands aside by now. */
function clear(draft: TurnDraft): WakebusError | undefined {
  if (isRunnable(draft)) return refusal(draft, 'it takes its messages; suspend it first');
  draft.clearsHeld = true;
  draft.attempt = undefined;
  return undefined;
}

/** What remains is a tombstone: it holds the incarnation, so that an old message cannot reach a later life. */
function removeAgent(draft: TurnDraft): void {
  endLife(draft, errorOf('AGENT_REMOVED', draft));
  draft.sleep = true;
  draft.setLifecycle('removed');
}
