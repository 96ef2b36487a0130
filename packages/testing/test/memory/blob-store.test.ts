import { blobStoreContract } from '@wakebus/testing/contracts';
import { Layout } from '@wakebus/protocol';
import { SelfDrive, Simulation } from '@wakebus/testing';

blobStoreContract('memory', async () => {
  const simulation = new Simulation({
    seed: 1,
    layout: new Layout({ partitions: 1 }),
    server: { refreshAfterMs: 1_000 },
  });
  const drive = new SelfDrive(simulation);
  let others = 0;
  return {
    store: simulation.node('first').ports.chunks,
    another: async (refreshAfterMs) => {
      if (refreshAfterMs === 0) await drive.advance(1_000);
      return simulation.node(`other${(others += 1)}`).ports.chunks;
    },
    overwrite: async (hash, stored) => {
      const { objects } = simulation.server;
      objects.purge(hash);
      objects.append(hash, stored);
    },
    close: async () => drive.stop(),
  };
});
