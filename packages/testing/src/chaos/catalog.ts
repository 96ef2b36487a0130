/**
 * Every kind of fault, in one list.
 */
import { diskFault } from './faults/disk-fault.ts';
import type { Fault } from './faults/fault.ts';
import { networkFaults } from './faults/network-faults.ts';
import { nodeFaults } from './faults/node-faults.ts';
import { operatorFaults } from './faults/operator-faults.ts';
import { ringFault } from './faults/ring-fault.ts';
import { serverFaults } from './faults/server-faults.ts';
import { stormFault } from './faults/storm-fault.ts';

export const allFaults: readonly Fault[] = [
  ...nodeFaults,
  ...serverFaults,
  ...networkFaults,
  ...operatorFaults,
  ringFault,
  diskFault,
  stormFault,
];
