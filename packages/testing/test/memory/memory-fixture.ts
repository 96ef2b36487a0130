import { Layout } from '@wakebus/protocol';
import { SelfDrive, Simulation } from '@wakebus/testing';
import type { FixtureOptions, PortsFixture } from '@wakebus/testing/contracts';

/** A deployment in memory, for the contracts: work runs by itself, time only when a test lets it pass. */
export async function memoryFixture(options: FixtureOptions = {}): Promise<PortsFixture> {
  const { inboxMaxMessages, duplicateWindowMs, partitions = 4 } = options;
  const simulation = new Simulation({
    seed: 1,
    layout: new Layout({ partitions }),
    server: {
      ...(inboxMaxMessages !== undefined && { inboxMaxMessages }),
      ...(duplicateWindowMs !== undefined && { dedupeWindowMs: duplicateWindowMs }),
    },
    stock: 512,
  });
  const drive = new SelfDrive(simulation);
  let others = 0;
  return {
    ports: simulation.node('first').ports,
    another: async () => simulation.node(`other${(others += 1)}`).ports,
    advance: (ms) => drive.advance(ms),
    close: async () => drive.stop(),
  };
}
