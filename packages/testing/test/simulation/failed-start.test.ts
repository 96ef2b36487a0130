import { PlacementRuntime } from '@wakebus/placement-node';
import { ledgerAgent } from '@wakebus/testing';
import { expect, test } from 'vitest';
import { inboxOf, scene } from './scene.ts';

test('a placement node whose start fails leaves nothing running: its lease runs out', async () => {
  const sim = scene();
  const { ports } = sim.node('a');
  inboxOf(ports).consume = () => Promise.reject(new Error('no consumer today'));
  const started = PlacementRuntime.start(ports, { agents: [ledgerAgent()] });
  await expect(sim.settle(started)).rejects.toThrow('no consumer today');
  expect(sim.server.leases.keys('>')).toHaveLength(1);

  await sim.run({ forMs: 15_000 });

  expect(sim.server.leases.keys('>')).toEqual([]);
});
