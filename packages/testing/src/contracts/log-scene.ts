/**
 * The agents and subjects that the contracts of the event log play with.
 */
import { type Delivery, type EventLog, type Ports } from '@wakebus/placement-node';
import { type AgentKey, agentKey } from '@wakebus/protocol';
import { expect } from 'vitest';
import { bytes } from './fixture.ts';

/** The inbox of a deployment with one shard. */
export function inboxOf({ inboxes }: Ports): EventLog {
  return inboxes[0] as EventLog;
}

/** The timers of a deployment with one shard. */
export function timersOf({ timers }: Ports): EventLog {
  return timers[0] as EventLog;
}

export const ann: AgentKey = agentKey('greeter', 'ann');
export const bob: AgentKey = agentKey('greeter', 'bob');

/** Appends events to an agent's mailbox, one after the other, and returns their sequences. */
export async function send(ports: Ports, key: AgentKey, ...texts: readonly string[]): Promise<number[]> {
  const seqs: number[] = [];
  for (const text of texts) {
    const outcome = await inboxOf(ports).append(ports.layout.eventSubject(key, 'said'), bytes(text));
    seqs.push(seqOf(outcome));
  }
  return seqs;
}

/** The sequence of what was stored; fails for any other outcome. */
export function seqOf(outcome: { readonly kind: string; readonly seq?: number }): number {
  expect(outcome).toMatchObject({ kind: 'stored' });
  return outcome.seq as number;
}

/** Joins the consumer of a partition and keeps what it delivers. */
export async function join(
  ports: Ports,
  partition: number,
  options: {
    rank?: number;
    ackWaitMs?: number;
    types?: readonly string[];
    onDelivery?: (delivery: Delivery) => void;
  } = {},
): Promise<{ readonly got: Delivery[]; setRank(rank: number): void; stop(): Promise<void> }> {
  const { layout } = ports;
  const got: Delivery[] = [];
  const { rank = 0, ackWaitMs = 5_000, types = ['greeter'] } = options;
  const consumption = await inboxOf(ports).consume(
    {
      name: layout.consumerName('default', partition),
      filters: types.map((type) => layout.partitionFilter(partition, type)),
      ackWaitMs,
    },
    {
      rank,
      onDelivery: (delivery) => {
        got.push(delivery);
        options.onDelivery?.(delivery);
      },
    },
  );
  return { got, setRank: (next) => consumption.setRank(next), stop: () => consumption.stop() };
}
