/**
 * Live events: what `observe` sees. Plain messages after the fact; nothing waits for them, and nothing
 * is decided by them.
 */
import {
  type AgentEvent,
  type AgentKey,
  type Headers,
  type LifecycleName,
  type LiveEvent,
  addressOf,
  encodeToSend,
  readTraceContext,
} from '@wakebus/protocol';
import type { NodeContext } from './node-context.ts';

/**
 * Says that an agent's lifecycle has changed: to whoever observes it, and in one line of the log.
 *
 * @param trace - Of the commit that says so.
 */
export function announce(context: NodeContext, key: AgentKey, name: string, cause?: string, trace?: Headers): void {
  const { spanId, traceId } = readTraceContext(trace) ?? {};
  context.log.info(`${addressOf(key)} is ${name}`, {
    agent: key,
    lifecycle: name,
    ...(cause !== undefined && cause !== '' && { cause }),
    ...(traceId !== undefined && { trace_id: traceId, span_id: spanId }),
  });
  const event: LiveEvent = {
    kind: 'lifecycle',
    name,
    node: context.nodeId,
    atMs: context.ports.clock.wallMs(),
    ...(cause !== undefined && cause !== '' && { cause }),
  };
  context.ports.messenger.publish(context.layout.liveSubject(key), encodeToSend(event));
}

/** What one commit changes about an agent's lifecycle, in order: a claim, what it has come to, and its sleep. */
export function changesOf(
  before: LifecycleName,
  after: LifecycleName,
  { wasHeld, isHeld }: { readonly wasHeld: boolean; readonly isHeld: boolean },
): readonly LifecycleName[] {
  const isTold = after === before || after === 'asleep' || (after === 'awake' && (!wasHeld || before === 'asleep'));
  return [...(wasHeld ? [] : ['awake' as const]), ...(isTold ? [] : [after]), ...(isHeld ? [] : ['asleep' as const])];
}

/** Passes on what a machine emitted in a committed turn. */
export function announceEmits(context: NodeContext, key: AgentKey, events: readonly AgentEvent[], turn: number): void {
  for (const event of events) {
    const live: LiveEvent = { kind: 'emit', event, turn, atMs: context.ports.clock.wallMs() };
    context.ports.messenger.publish(context.layout.liveSubject(key), encodeToSend(live));
  }
}
