/**
 * What a gate has said, as spans: one for each event that it kept from its agent, and a word on the turn
 * that took what it let in. Reasons are their author's words, which may quote an event, and stay in history.
 */
import type { Inbound, Turn } from '@wakebus/core';
import { type AgentKey, type Headers, type HistoryEvent, attribute, span } from '@wakebus/protocol';
import type { Attributes } from '@opentelemetry/api';
import type { NodeContext } from '../node-context.ts';
import type { RunningSpan } from './running-span.ts';

type Named = Pick<NodeContext, 'telemetry'>;

/** An event that was turned away before anything of its agent was read: below what sent it. */
export function noteAtDoor({ telemetry }: Named, key: AgentKey, event: HistoryEvent, headers: Headers): void {
  const refused = telemetry.start(span.gate, key, [headers]);
  refused.set(factsOf(event));
  refused.end();
}

/** What the gate said in a turn that is committed: below the turn. */
export function noteInTurn(
  { telemetry }: Named,
  key: AgentKey,
  turn: Pick<Turn, 'consumed' | 'gated' | 'history'>,
  inbounds: readonly Inbound[],
  running: RunningSpan,
): void {
  if (!running.isRecording) return;
  const judged = inbounds.slice(0, turn.consumed).filter(({ kind }) => kind === 'event' || kind === 'message');
  if (judged.length > turn.gated.length) running.set({ [attribute.gateVerdict]: 'wake' });
  for (const event of turn.history) {
    if (event.gate === undefined) continue;
    const kept = telemetry.below(span.gate, key, running);
    kept.set(factsOf(event));
    kept.end();
  }
}

function factsOf({ type, gate }: HistoryEvent): Attributes {
  return {
    [attribute.event]: type,
    ...(gate !== undefined && { [attribute.gateRule]: gate.rule, [attribute.gateVerdict]: gate.verdict }),
  };
}
