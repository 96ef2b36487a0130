/**
 * A placement node as a process of its own, to be killed.
 */
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { counterAgent } from './world.ts';

const connection = await connectNats({ servers: process.argv[2] as string });
await startPlacementNode({ connection, agents: [counterAgent('counter', 700, 600_000)] });
process.send?.('ready');
process.once('disconnect', () => process.exit(0));
