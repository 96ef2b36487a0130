/** Under which names an agent remembers the messages that it has processed. Its memory of them is `seen` in the draft. */
import type { TurnDraft } from './draft.ts';
import type { Inbound } from './inbound.ts';

/** Under which name a message is known again, if it has one. */
export function dedupeName(inbound: Inbound): string | undefined {
  if (inbound.kind === 'message') return chainId(inbound.message, inbound.message.number);
  return inbound.kind === 'event' ? inbound.messageId : undefined;
}

/** The dedupe name of message `number` of a sender's chain to this agent: one range a sender. */
export function chainId(message: { readonly sender: string; readonly incarnation: number }, number: number): string {
  return `${message.sender}~${message.incarnation}#${number}`;
}

/** Whether a message was processed before. */
export function isRepetition(draft: TurnDraft, inbound: Inbound): boolean {
  const name = dedupeName(inbound);
  return name !== undefined && draft.memory.seen.has(name);
}
