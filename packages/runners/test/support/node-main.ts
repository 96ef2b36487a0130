/** A placement node with a worker agent, in a process of its own: it is there to be killed. */
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { defineProcessAgent } from '../../src/mod.ts';

const [url = '', prefix = '', mark = '', notes = '', folder = ''] = process.argv.slice(2);
const worker = new URL('./worker.mjs', import.meta.url).pathname;
const agent = defineProcessAgent({
  type: 'worker',
  command: [process.execPath, worker],
  env: { MARK: mark, NOTES: notes },
  writable: [folder],
});
const connection = await connectNats({ servers: url });
await startPlacementNode({ connection, prefix, setup: 'check', agents: [agent] });
