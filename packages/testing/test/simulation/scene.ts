import type { Delivery, Ports } from '@wakebus/placement-node';
import { type AgentKey, Layout, agentKey } from '@wakebus/protocol';
import { type FaultRates, type SimulatedNode, Simulation, type SimulationOptions } from '@wakebus/testing';

/** The agent that the scenes are about. */
export const ann: AgentKey = agentKey('greeter', 'ann');

/** A simulation with one partition, in which one fault always strikes. */
export function scene(faults: FaultRates = {}, options: Partial<SimulationOptions> = {}): Simulation {
  return new Simulation({ seed: 1, layout: new Layout({ partitions: 1 }), faults, ...options });
}

export function bytes(payload: string): Uint8Array {
  return new TextEncoder().encode(payload);
}

export function text(data: Uint8Array | undefined): string | undefined {
  return data === undefined ? undefined : new TextDecoder().decode(data);
}

/** Stores an event without any fault. */
export function publish(simulation: Simulation, payload: string, messageId?: string): void {
  simulation.server.publish(simulation.layout.agentSubject(ann, 'said'), bytes(payload), {
    ...(messageId !== undefined && { messageId }),
  });
}

export function inboxOf(ports: Ports): Ports['inboxes'][number] {
  return ports.inboxes[0] as Ports['inboxes'][number];
}

/** Lets a node consume the only partition; keeps what it gets. */
export async function consume(simulation: Simulation, node: SimulatedNode, rank = 0): Promise<Delivery[]> {
  const got: Delivery[] = [];
  const { layout } = simulation;
  const spec = {
    name: layout.consumerName('default', 0),
    filters: [layout.partitionFilter(0, 'greeter')],
    ackWaitMs: 5_000,
  };
  await simulation.settle(
    inboxOf(node.ports).consume(spec, { rank, onDelivery: (delivery) => void got.push(delivery) }),
  );
  return got;
}

/** Whether a promise has settled, and how. */
export function follow(promise: Promise<unknown>): { state: 'open' | 'kept' | 'broken' } {
  const followed: { state: 'open' | 'kept' | 'broken' } = { state: 'open' };
  promise.then(
    () => (followed.state = 'kept'),
    () => (followed.state = 'broken'),
  );
  return followed;
}
