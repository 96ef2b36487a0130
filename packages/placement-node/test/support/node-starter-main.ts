/** A module that no thread may import: it starts a placement node. */
import { startPlacementNode } from '../../src/mod.ts';
import { wild } from './wild.ts';

await startPlacementNode({ connection: undefined as never, agents: [wild] });
