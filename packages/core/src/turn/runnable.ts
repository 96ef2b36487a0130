/** Whether an agent takes events. */
import type { AgentRecord } from '@wakebus/protocol';

/** A suspended, failed or quarantined agent keeps its mailbox. */
export function isRunnable(state: { readonly lifecycle: AgentRecord['lifecycle'] }): boolean {
  return (
    state.lifecycle.name !== 'suspended' && state.lifecycle.name !== 'quarantined' && state.lifecycle.name !== 'failed'
  );
}
