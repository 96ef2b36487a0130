/** Mutants of gates: what is kept back, and on what it is judged. */
import type { Mutant } from './mutant.ts';

const turn = 'core/src/turn/';

export const gateMutants: readonly Mutant[] = [
  {
    rule: 'P17',
    name: 'a verdict before the mailbox is in order',
    edits: [
      {
        file: `${turn}at-gate.ts`,
        find: 'if (draft.memory.isUndecoded === true || draft.snapshot === undefined) return facts;',
        replace: 'if (draft.memory.key !== undefined) return facts;',
      },
    ],
    run: { workload: 'gates' },
    shows: 'was refused by the gate and reached the machine',
    quick: true,
  },
  {
    rule: 'P17',
    name: 'what waits at the gate kept in memory',
    edits: [
      { file: `${turn}take-turn.ts`, find: '&& { gate: draft.gate, tags }', replace: '&& { gate: OPEN_GATE, tags }' },
      {
        file: `${turn}take-turn.ts`,
        find: "import { OVER, errorOf } from './life-end.ts';",
        replace: "import { OVER, errorOf } from './life-end.ts';\nimport { OPEN_GATE } from '../gate/gate.ts';",
      },
    ],
    run: { workload: 'gates' },
    shows: 'is missing',
    quick: true,
  },
  {
    rule: 'P17',
    name: 'an event let in by the gate and kept there as well',
    edits: [
      { file: `${turn}at-gate.ts`, find: 'draft.gate = without(draft.gate, entry);\n    try {', replace: 'try {' },
    ],
    run: { workload: 'gates' },
    shows: 'still wait at the gate',
  },
  {
    rule: 'P17',
    name: 'an agent born by an event that its gate refuses',
    edits: [
      {
        file: 'placement-node/src/gate/door.ts',
        find: 'refusalOf(context, key, definition, message) === undefined)?.seq',
        replace: 'refusalOf(context, key, definition, message) !== null)?.seq',
      },
    ],
    run: { workload: 'gates' },
    shows: 'it is quarantined for no reason',
  },
];
