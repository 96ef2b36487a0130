/**
 * A message on which the machine failed: counted and tried again later, and after its last try either
 * parked, so that the mailbox goes on, or left where it stands with the whole agent.
 */
import { WakebusError, addressOf } from '@wakebus/protocol';
import { blamed } from './at-gate.ts';
import type { TurnDraft } from './draft.ts';
import { dropEffect } from './effects.ts';
import { giveUp } from './give-up.ts';
import type { Inbound, InboundOf } from './inbound.ts';
import { dropTimer } from './timers.ts';

/** A message that is not taken now: when it is tried again, and how often it has been. */
export interface TurnFailure {
  readonly error: WakebusError;
  /** Milliseconds since the epoch. 0 of a message that is not tried again by itself. */
  readonly retryMs: number;
  readonly count: number;
}

/**
 * Counts a failed try.
 *
 * @returns nothing when the message is given up, and the next one may be taken.
 */
export function fail(draft: TurnDraft, inbound: Inbound, error: WakebusError): TurnFailure | undefined {
  const { retry } = draft.memory.definition;
  const before = draft.attempt?.seq === inbound.seq ? draft.attempt : undefined;
  // An attempt that was made durable before it ran is this very one.
  const count = (before?.count ?? 0) + (before?.node === undefined ? 1 : 0);
  if (count > retry.attempts) return onLast(draft, inbound, error, count);
  const retryMs = draft.env.nowMs + Math.round(retry.backoffMs * 2 ** (count - 1) * (0.5 + draft.jitter / 2));
  draft.attempt = { seq: inbound.seq, count, reason: error.message, retryMs };
  draft.setLifecycle('backoff', error);
  return { error, retryMs, count };
}

function onLast(draft: TurnDraft, inbound: Inbound, error: WakebusError, count: number): TurnFailure | undefined {
  const facts = {
    address: addressOf(draft.memory.key),
    seq: inbound.seq,
    attempts: count,
    reason: error.message,
  };
  if (draft.memory.definition.onPoison === 'stop') return stop(draft, new WakebusError('AGENT_FAILED', facts));
  const dead = new WakebusError('DEAD_LETTERED', facts);
  giveUp(draft, blamed(draft, inbound), dead, count);
  draft.pass(inbound);
  draft.attempt = undefined;
  if (inbound.kind === 'timer' || inbound.kind === 'effect') forget(draft, inbound, dead);
  return undefined;
}

/** The message stays first in the mailbox, and nothing is taken until an operator releases the agent. */
function stop(draft: TurnDraft, error: WakebusError<'AGENT_FAILED'>): TurnFailure {
  const { seq, attempts: count, reason } = error.facts;
  draft.attempt = { seq, count, reason, retryMs: 0 };
  draft.setLifecycle('failed', error);
  return { error, retryMs: 0, count };
}

/** What has fired or ended is over, although the machine never took it. */
function forget(draft: TurnDraft, inbound: InboundOf<'timer' | 'effect'>, error: WakebusError): void {
  const { generation } = inbound.kind === 'timer' ? inbound.fire : inbound.result;
  dropTimer(draft, generation);
  dropEffect(draft, generation, error);
}
