/**
 * The span of a turn: what it links to, and what it says of the messages that it takes.
 *
 * A fired timer has a span of its own between the turn that armed it and the one that takes it: it says
 * how late the fire was.
 */
import { type Inbound, eventIn } from '@wakebus/core';
import { type AgentKey, type Headers, attribute, span, splitKey } from '@wakebus/protocol';
import type { Attributes } from '@opentelemetry/api';
import type { CommitOutcome } from '../commit.ts';
import type { NodeContext } from '../node-context.ts';
import type { RunningSpan } from './running-span.ts';

/** Payloads noted in one span: a turn of hundreds of events would else outgrow what collectors take. */
const MOST_PAYLOADS = 16;

/** @param tries - Failed tries of the first message. */
export function startTurnSpan(
  { telemetry, ports }: Pick<NodeContext, 'telemetry' | 'ports'>,
  key: AgentKey,
  inbounds: readonly Inbound[],
  tries: number,
): RunningSpan {
  const causes = inbounds.map((inbound) =>
    inbound.kind === 'timer' ? noteFire(telemetry, key, inbound) : inbound.headers,
  );
  const running = telemetry.start(tries > 0 ? span.retry : span.turn, key, causes);
  const [head] = inbounds;
  const delayMs = head === undefined ? 0 : Math.max(0, ports.clock.wallMs() - head.storedMs);
  if (head !== undefined) telemetry.messageDelayMs.record(delayMs, { type: splitKey(key).type, source: head.kind });
  if (!running.isRecording || head === undefined) return running;
  running.set({
    [attribute.source]: head.kind,
    [attribute.lateness]: delayMs,
    [attribute.attempt]: tries,
    ...(inbounds.length === 1
      ? {
          [attribute.event]: eventOf(head),
          [attribute.bodySize]: head.sizeBytes,
          ...(head.messageId !== undefined && { [attribute.messageId]: head.messageId }),
        }
      : { [attribute.batchCount]: inbounds.length }),
  });
  for (const inbound of inbounds.slice(0, MOST_PAYLOADS)) notePayload(telemetry, running, inbound);
  return running;
}

/** What a commit's span says of how it ended. */
export function commitFacts(outcome: CommitOutcome, epoch: number): Attributes {
  const revision = outcome.kind === 'committed' ? { [attribute.revision]: outcome.revision } : {};
  return { [attribute.outcome]: outcome.kind, [attribute.epoch]: epoch, ...revision };
}

function noteFire(
  telemetry: NodeContext['telemetry'],
  key: AgentKey,
  { fire, headers, storedMs }: Extract<Inbound, { kind: 'timer' }>,
): Headers | undefined {
  const latenessMs = Math.max(0, storedMs - fire.dueMs);
  telemetry.timerLatenessMs.record(latenessMs, { type: splitKey(key).type });
  const fired = telemetry.start(span.timerFire, key, [headers]);
  fired.set({ [attribute.timer]: fire.id, [attribute.lateness]: latenessMs });
  fired.end();
  return fired.carrier;
}

function notePayload(telemetry: NodeContext['telemetry'], running: RunningSpan, inbound: Inbound): void {
  const event = eventIn(inbound);
  if (event === undefined) return;
  const { type, ...payload } = event;
  const text = telemetry.payloadOf(payload, type);
  if (text !== undefined) running.note(attribute.event, { [attribute.event]: type, [attribute.payload]: text });
}

/** What a message is called. */
function eventOf(inbound: Inbound): string {
  switch (inbound.kind) {
    case 'timer':
      return `timer ${inbound.fire.id}`;
    case 'effect':
      return `effect ${inbound.result.id}`;
    case 'control':
      return `control ${inbound.control.verb}`;
    default:
      return eventIn(inbound)?.type ?? inbound.kind;
  }
}
