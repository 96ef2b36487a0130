/**
 * Messages of other agents: each taken once and in its sender's order. One that comes early waits in the
 * record until those before it have come.
 */
import { type EarlyMessage, WakebusError, addressOf } from '@wakebus/protocol';
import { stepThroughGate } from './at-gate.ts';
import { chainId } from './dedupe-names.ts';
import type { TurnDraft } from './draft.ts';
import { giveUp } from './give-up.ts';
import type { Inbound, InboundOf } from './inbound.ts';

/**
 * Messages kept back for a lower number that has not come. More than this means the sender's chain
 * is broken for good, and holding on would only fill the record.
 */
const EARLY_LIMIT = 256;

/** Takes an agent's message, or keeps it back. @throws whatever the machine throws. */
export function applyAgentMessage(draft: TurnDraft, inbound: InboundOf<'message'>): void {
  const { message } = inbound;
  const { seen } = draft.memory;
  const name = chainId(message, message.number);
  if (seen.has(name) || draft.early.some((early) => chainId(early, early.number) === name)) {
    draft.duplicates += 1;
    return;
  }
  if (isForgotten(draft, inbound)) {
    const facts = { address: addressOf(draft.memory.key), sender: addressOf(message.sender) };
    return giveUp(draft, inbound, new WakebusError('MESSAGE_STALE', facts), 0);
  }
  if (!isNext(draft, message) && draft.early.length < EARLY_LIMIT) {
    const { v: _version, atMs: _atMs, ...early } = message;
    draft.early = [...draft.early, { ...early, seq: inbound.seq, headers: inbound.headers }];
    draft.outputNames.push('early message kept');
    return;
  }
  stepThroughGate(draft, inbound, message.event, {
    from: addressOf(message.sender),
    id: `${message.sender}:${message.id}`,
  });
  seen.add(name, draft.env.nowMs);
}

/** Whether it came so late that this agent, had it come in time as well, would not remember: its sender's horizon may be longer. */
function isForgotten({ memory }: TurnDraft, { message, storedMs }: InboundOf<'message'>): boolean {
  return message.atMs !== undefined && message.atMs < storedMs - memory.definition.dedupe.horizonMs;
}

/** Whether the message before it has been processed, or may have been for so long that nobody here remembers. */
function isNext(draft: TurnDraft, message: Omit<EarlyMessage, 'seq' | 'headers'>): boolean {
  const { definition, seen } = draft.memory;
  if (message.previous === 0 || seen.has(chainId(message, message.previous))) return true;
  return (message.previousMs ?? draft.env.nowMs) < draft.env.nowMs - definition.dedupe.horizonMs;
}

/** The next message that was early and is not any more, as the inbound that it was. */
export function takeRipe(draft: TurnDraft): Inbound | undefined {
  const ripe = draft.early.find((early) => isNext(draft, early));
  if (ripe === undefined) return undefined;
  draft.early = draft.early.filter((early) => early !== ripe);
  return asInbound(draft, ripe);
}

/** An early message as the inbound that it was. */
export function asInbound(draft: TurnDraft, { seq, headers, ...message }: EarlyMessage): Inbound {
  return { kind: 'message', seq, headers, sizeBytes: 0, storedMs: draft.env.nowMs, message: { v: 1, ...message } };
}

/** Applies a message that {@link takeRipe} gave: its sequence is already behind the cursor. @throws whatever the machine throws. */
export function applyRipe(draft: TurnDraft, inbound: Inbound): void {
  if (inbound.kind === 'message') applyAgentMessage(draft, inbound);
}
