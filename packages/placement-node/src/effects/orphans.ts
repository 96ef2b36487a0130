/**
 * Effects whose placement node is gone. Each has a schedule at its deadline that names its node, so they can
 * be listed, and their agents need not wait for it.
 */
import { type AgentKey, isCanonicalKey } from '@wakebus/protocol';
import type { NodeContext } from '../node-context.ts';

/** Which agents this node is to wake. */
interface OrphanSink {
  isFirst(key: AgentKey): boolean;
  ring(key: AgentKey): void;
}

/** Wakes the agents of such effects that this node comes first for. What it misses is found by the deadline. */
export async function ringOrphans(context: NodeContext, sink: OrphanSink): Promise<void> {
  const { layout, log, membership, ports } = context;
  for (const timers of ports.timers) {
    try {
      for (const subject of (await timers.subjects(layout.deadlinesFilter)).keys()) {
        const { key = '', nodeId = '' } = layout.readDeadline(subject) ?? {};
        if (isCanonicalKey(key) && !membership.hasLease(nodeId) && sink.isFirst(key)) sink.ring(key);
      }
    } catch (thrown) {
      log.warn('effects of nodes that are gone could not be listed', { error: String(thrown) });
    }
  }
}
