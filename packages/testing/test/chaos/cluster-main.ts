/**
 * A program that starts a cluster with placement nodes, stops one of them, says what runs, and waits to be killed.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Cluster } from '../../src/chaos/cluster.ts';

const cluster = await Cluster.open({
  storeIn: async (folder) => {
    await mkdir(join(folder, 'disk'));
    return join(folder, 'disk');
  },
});
const nodes = await Promise.all([cluster.startNode(), cluster.startNode()]);
nodes[0]?.process.signal('SIGSTOP');
console.log(
  JSON.stringify({
    pids: [...cluster.servers.pids, ...nodes.map(({ process }) => process.pid)],
    folder: cluster.folder,
  }),
);
