/**
 * Recovery: an agent that was given up, or that waits for its next try, runs again at once; one in quarantine
 * only after an operator has decided what its state is worth.
 */
import { type ControlMessage, WakebusError, addressOf } from '@wakebus/protocol';
import type { TurnDraft } from './draft.ts';
import { endLife } from './life-end.ts';

/** Quarantines in which there is no state to go on from. */
const STATE_IS_GONE: ReadonlySet<string | undefined> = new Set(['RECORD_DAMAGED', 'RECORD_MISSING']);

/**
 * Lets the agent run again. The message that it failed on is tried anew, as often as any other.
 *
 * @returns why not.
 */
export function recover(draft: TurnDraft, decision?: ControlMessage['decision']): WakebusError | undefined {
  switch (draft.lifecycle.name) {
    case 'quarantined':
      return endQuarantine(draft, decision);
    case 'suspended':
      return refusal(draft, 'it is suspended; release it');
    case 'failed':
    case 'backoff':
      draft.setLifecycle('awake');
      break;
    default:
  }
  draft.attempt = undefined;
  return undefined;
}

function endQuarantine(draft: TurnDraft, decision: ControlMessage['decision']): WakebusError | undefined {
  const { code } = draft.lifecycle;
  if (decision === undefined)
    return refusal(draft, 'it is in quarantine; say whether to keep its state or to begin anew');
  if (decision === 'keep' && STATE_IS_GONE.has(code))
    return refusal(draft, `its state is gone (${code}); restore its record, begin anew, or remove it`);
  if (decision === 'keep' && draft.memory.isPartial === true)
    return refusal(draft, `chunks of its state are gone (${code}); restore them, begin anew, or remove it`);
  draft.attempt = undefined;
  if (decision === 'anew') endLife(draft, refusal(draft, 'an operator has begun a new life of it'));
  // A new life, or an inbox that counts anew: under the old incarnation, keys of effects and numbers of messages would come twice.
  draft.incarnation += 1;
  draft.peers = new Map();
  draft.setLifecycle('awake');
  return undefined;
}

/** What an agent says that takes no events until it is released. */
export function standing(draft: TurnDraft): WakebusError {
  return refusal(draft, `it is ${draft.lifecycle.name} and takes no events; release it first`);
}

/** What an agent says that does not do what is asked. */
export function refusal(draft: TurnDraft, reason: string): WakebusError {
  return new WakebusError('AGENT_REFUSED', { address: addressOf(draft.memory.key), reason });
}
