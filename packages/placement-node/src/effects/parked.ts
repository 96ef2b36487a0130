/**
 * Effects that wait because somebody has disabled them. Each has a schedule that names its target, so that they
 * can be listed, and need not wait for it once they are enabled.
 */
import { type AgentKey, type EffectScope, isCanonicalKey } from '@wakebus/protocol';
import type { NodeContext } from '../node-context.ts';

/** Which agents this node is to wake. */
interface ParkedSink {
  isFirst(key: AgentKey): boolean;
  ring(key: AgentKey): void;
}

/** Wakes the agents of such effects that this node comes first for. What it misses is found by the schedule. */
export async function ringParked(context: NodeContext, scope: EffectScope, sink: ParkedSink): Promise<void> {
  const { layout, log, ports } = context;
  for (const timers of ports.timers) {
    try {
      for (const subject of (await timers.subjects(layout.parkedFilter(scope))).keys()) {
        const key = layout.readParked(subject);
        if (isCanonicalKey(key) && sink.isFirst(key)) sink.ring(key);
      }
    } catch (thrown) {
      log.warn('effects that are enabled again could not be listed', { error: String(thrown) });
    }
  }
}
