/** How a machine of the demo is made of its regions. */
import { type AnyStateMachine, createMachine } from 'xstate';
import { type DemoContext, type DemoEvent, type Region, ledger } from './ledger.ts';
import { summary } from './summary.ts';

/** A machine of the demo: its own regions in parallel, and beside them the ledger and the summary. */
export function demoMachine(regions: Readonly<Record<string, Region>>): AnyStateMachine {
  return createMachine({
    types: {} as { context: DemoContext; events: DemoEvent; input: { address: string } },
    context: ({ input }) => ({
      address: input.address,
      book: { count: 0, chain: '' },
      sets: {},
      reports: {},
      verdicts: {},
    }),
    type: 'parallel',
    states: { ...regions, ledger, summary },
  });
}
