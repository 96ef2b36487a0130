/**
 * One inbound message against a draft: dedupe, order between agents, timers, effects, and the machine's step.
 *
 * Pure but for the draft. It throws only what the machine threw, and then the draft is as before.
 */
import { WakebusError, addressOf, encode, errorJson, readReply } from '@wakebus/protocol';
import { applyAgentMessage } from './agent-messages.ts';
import { asksForWaiting, stepThroughGate } from './at-gate.ts';
import { applyControl } from './controls.ts';
import { isRepetition } from './dedupe-names.ts';
import type { TurnDraft } from './draft.ts';
import { takeDue, takeResult } from './effects.ts';
import { giveUp } from './give-up.ts';
import type { Inbound, InboundOf } from './inbound.ts';
import { OVER, errorOf } from './life-end.ts';
import { deliverTo } from './machine-step.ts';
import { takeTimer } from './timers.ts';

/** Applies one message and moves the cursor past it. @throws whatever the machine throws. */
export function applyInbound(draft: TurnDraft, inbound: Inbound): void {
  if (inbound.seq <= draft.cursor) return;
  if (inbound.kind === 'control') applyControl(draft, inbound);
  else if (hasEnded(draft, inbound)) refuseEnded(draft, inbound);
  else dispatch(draft, inbound);
  draft.pass(inbound);
  if (draft.attempt !== undefined && endsAttempt(draft.attempt.seq, inbound)) draft.attempt = undefined;
}

/** What operators ask overtakes a message that waits for its next try. */
function endsAttempt(failingSeq: number, { kind, seq }: Inbound): boolean {
  return kind === 'control' ? failingSeq === seq : failingSeq <= seq;
}

function dispatch(draft: TurnDraft, inbound: Exclude<Inbound, InboundOf<'control'>>): void {
  switch (inbound.kind) {
    case 'event':
      return applyOutside(draft, inbound);
    case 'message':
      return applyAgentMessage(draft, inbound);
    case 'timer':
      return applyTimer(draft, inbound);
    case 'effect':
      return settleEffect(draft, inbound, takeResult(draft, inbound, deliverTo(draft, inbound)));
    case 'invalid':
      return giveUp(draft, inbound, inbound.error, 0);
  }
}

function applyOutside(draft: TurnDraft, inbound: InboundOf<'event'>): void {
  const { messageId } = inbound;
  const { seen } = draft.memory;
  if (messageId !== undefined && seen.has(messageId)) return repeatAnswer(draft, inbound);
  stepThroughGate(draft, inbound, inbound.event, {});
  if (messageId !== undefined) seen.add(messageId, draft.env.nowMs);
}

/** A duplicate of a processed message: its caller may be asking again. */
function repeatAnswer(draft: TurnDraft, inbound: Inbound): void {
  draft.duplicates += 1;
  const { messageId } = inbound;
  if (inbound.reply === undefined || messageId === undefined || asksForWaiting(draft, inbound)) return;
  const kept = [...draft.newReplies, ...draft.memory.record.replies].find((entry) => entry.id === messageId);
  if (kept !== undefined) {
    const body = kept.body ?? encode(readReply(draft.memory.key, kept));
    draft.replies.push({ subject: inbound.reply.subject, body });
  } else
    draft.reply(inbound, {
      ok: false,
      error: errorJson('REPLY_EXPIRED', { address: addressOf(draft.memory.key), messageId }),
    });
}

function applyTimer(draft: TurnDraft, inbound: InboundOf<'timer'>): void {
  const { id, generation } = inbound.fire;
  const timer = draft.timers.find((candidate) => candidate.id === id && candidate.generation === generation);
  if (timer === undefined) return settleEffect(draft, inbound, takeDue(draft, inbound, deliverTo(draft, inbound)));
  takeTimer(draft, inbound, timer);
}

/** An error that no state of the machine takes must be seen by somebody. */
function settleEffect(draft: TurnDraft, inbound: InboundOf<'effect' | 'timer'>, isTaken: boolean | undefined): void {
  if (isTaken === undefined) draft.duplicates += 1;
  if (isTaken !== false) return;
  const { id: effect, generation } = inbound.kind === 'effect' ? inbound.result : inbound.fire;
  const { error } = draft.journal.find((entry) => entry.generation === generation) ?? {};
  const facts = { address: addressOf(draft.memory.key), effect, reason: error?.message ?? 'it says no more' };
  giveUp(draft, inbound, new WakebusError('EFFECT_FAILED', facts), 0);
}

/** Whether the agent's life is over. A removed one is born again by its next event, where its type allows that. */
function hasEnded(draft: TurnDraft, inbound: Inbound): boolean {
  if (draft.lifecycle.name === 'completed') return true;
  if (draft.lifecycle.name !== 'removed') return false;
  const mayBeBorn = draft.memory.definition.rebirth === 'allow' && draft.env.isLate !== true;
  const isBirth = mayBeBorn && (inbound.kind === 'event' || inbound.kind === 'message');
  if (!isBirth || isRepetition(draft, inbound)) return true;
  draft.incarnation += 1;
  draft.peers = new Map();
  draft.setLifecycle('awake');
  return false;
}

function refuseEnded(draft: TurnDraft, inbound: Exclude<Inbound, InboundOf<'control'>>): void {
  if (inbound.kind === 'timer' || inbound.kind === 'effect') return;
  if (isRepetition(draft, inbound)) return repeatAnswer(draft, inbound);
  giveUp(draft, inbound, errorOf(OVER[draft.lifecycle.name] ?? 'AGENT_REMOVED', draft), 0);
}
