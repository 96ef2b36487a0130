/**
 * Live events: what `observe` sees. Plain messages after the fact; nothing waits for them, and nothing
 * is decided by them.
 */
import { type AgentEvent, type AgentKey, type LiveEvent, encodeToSend } from '@wakebus/protocol';
import type { NodeContext } from './node-context.ts';

/** Says that an agent's lifecycle has changed. */
export function announce(context: NodeContext, key: AgentKey, name: string, cause?: string): void {
  const event: LiveEvent = {
    kind: 'lifecycle',
    name,
    node: context.nodeId,
    atMs: context.ports.clock.wallMs(),
    ...(cause !== undefined && cause !== '' && { cause }),
  };
  context.ports.messenger.publish(context.layout.liveSubject(key), encodeToSend(event));
}

/** Passes on what a machine emitted in a committed turn. */
export function announceEmits(context: NodeContext, key: AgentKey, events: readonly AgentEvent[], turn: number): void {
  for (const event of events) {
    const live: LiveEvent = { kind: 'emit', event, turn, atMs: context.ports.clock.wallMs() };
    context.ports.messenger.publish(context.layout.liveSubject(key), encodeToSend(live));
  }
}
