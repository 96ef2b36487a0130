/**
 * Quarantine: an agent whose state is damaged, missing or does not match its inbox must not run until
 * an operator has looked. What could not be read is kept inside the mark.
 */
import { newbornMemory } from '@wakebus/core';
import { type AgentKey, type AgentRecord, encodeRecord, splitKey } from '@wakebus/protocol';
import { commitRecord } from './commit.ts';
import { incidentsOf } from './incidents.ts';
import { announce } from './live.ts';
import { type NodeContext, definitionOf, incarnationOf } from './node-context.ts';
import type { WakeOutcome } from './wake.ts';

/** Writes the mark over the revision that was read. When another was quicker, the next wake sees what is there then. */
export async function writeQuarantine(
  context: NodeContext,
  key: AgentKey,
  outcome: Extract<WakeOutcome, { kind: 'quarantine' }>,
): Promise<void> {
  const definition = definitionOf(context, key);
  if (definition === undefined) return;
  const { health, ports, membership } = context;
  const nowMs = ports.clock.wallMs();
  const commit = context.nextCommit();
  // Lives count up from 1: the present second is above them all, should the agent be removed and born again.
  const incarnation = Math.floor(nowMs / 1000);
  const blank = newbornMemory(key, definition, { inbox: incarnationOf(context, key), incarnation, nowMs }).record;
  const { record = blank, error, evidence } = outcome;
  const marked: AgentRecord = {
    ...record,
    // From now on it counts in the inbox that is there: what comes, an operator's word among it, must not pass for processed.
    ...(error.code === 'INBOX_RESTORED' && record.held === undefined && { inbox: blank.inbox, cursor: 0, cursorMs: 0 }),
    commit,
    lease: { holder: '', epoch: record.lease.epoch + 1 },
    lifecycle: { name: 'quarantined', sinceMs: nowMs, code: error.code, message: error.message },
    ...(evidence !== undefined && { evidence }),
  };
  const request = { key, bytes: encodeRecord(marked), commit, expectedRevision: outcome.revision };
  const { kind } = await commitRecord(
    {
      agents: ports.agents,
      clock: ports.clock,
      onUnanswered: () => health.beginUnanswered(splitKey(key).type),
      mayAct: () => membership.mayAct(),
      fenced: true,
    },
    request,
  );
  announce(context, key, 'quarantined', outcome.error.code);
  // Not waited for: what waits in its mailbox wakes it again, and then it is told in any case.
  if (kind !== 'lost')
    for (const incident of incidentsOf(key, marked)) void context.incidents.tell(incident)?.catch(() => {});
}
