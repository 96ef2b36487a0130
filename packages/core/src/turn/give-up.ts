/** What is said of messages that the machine never takes: parked for good or thrown away, and answered. */
import type { WakebusError } from '@wakebus/protocol';
import { dedupeName } from './dedupe-names.ts';
import type { TurnDraft } from './draft.ts';
import type { Inbound } from './inbound.ts';

/**
 * Parks a message for good and answers its caller, if there is one. It is as good as processed: not taken
 * again, and those that its sender numbered after it do not wait for it.
 */
export function giveUp(draft: TurnDraft, inbound: Inbound, error: WakebusError, attempts: number): void {
  draft.deadLetters.push({ inbound, code: error.code, message: error.message, attempts });
  draft.outputNames.push(`dead letter ${error.code}`);
  refuse(draft, inbound, error);
}

/** Throws a message away, as an operator asks, and moves the cursor past it. For its sender it is as good as processed. */
export function throwAway(draft: TurnDraft, inbound: Inbound, error: WakebusError): void {
  draft.outputNames.push('thrown away');
  // What the runtime needs is in the mailbox again.
  if (inbound.kind === 'event' || inbound.kind === 'message') refuse(draft, inbound, error);
  draft.pass(inbound);
}

function refuse(draft: TurnDraft, inbound: Inbound, error: WakebusError): void {
  draft.reply(inbound, { ok: false, error: error.toJSON() });
  const name = dedupeName(inbound);
  if (name !== undefined) draft.memory.seen.add(name, draft.env.nowMs);
}
