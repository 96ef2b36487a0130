/** A placement node's process, as a run handles it. */
import { expect, test } from 'vitest';
import { Cluster } from '../../src/chaos/cluster.ts';

test('ends in order when it has been drained, with nothing left open', { timeout: 60_000 }, async () => {
  const cluster = await Cluster.open();
  try {
    const node = await cluster.startNode();

    expect(await node.process.drain()).toBe(true);
    expect(node.process.complaints).toBe('');
  } finally {
    await cluster.close();
  }
});
