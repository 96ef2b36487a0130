/**
 * Mutants of effects: what is written down before they run, who owns them, and what is done where nobody knows.
 */
import type { Mutant } from './mutant.ts';

const journal = 'core/src/turn/journal.ts';
const effects = 'core/src/turn/effects.ts';
const session = 'placement-node/src/effects/session-effects.ts';
/** Nodes that die and stand still more often: most promises about effects are about that. */
const deadly = { crash: 0.001, pause: 0.001 } as const;

export const effectMutants: readonly Mutant[] = [
  {
    rule: 'P8',
    name: 'an effect that runs although its start was not committed',
    edits: [{ file: session, find: 'return isMine ? start : undefined;', replace: 'return isMine ? start : start;' }],
    run: { workload: 'purchases', faults: deadly },
    shows: 'was entered 2 times',
  },
  {
    rule: 'P8',
    name: 'what is started is started again by whoever wakes the agent',
    edits: [
      {
        file: journal,
        find: "return state === 'planned' && notBeforeMs === undefined;",
        replace: "return (state === 'planned' || state === 'started') && notBeforeMs === undefined;",
      },
    ],
    run: { workload: 'purchases' },
    shows: 'was entered 2 times',
    quick: true,
  },
  {
    rule: 'P8',
    name: 'an owner that does not know yet what it is about to run',
    edits: [
      {
        file: 'placement-node/src/effects/effect-runner.ts',
        find: 'this.#running.has(idOf(name)) || this.#expected.has(idOf(name))',
        replace: 'this.#running.has(idOf(name))',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'began after it was said that nobody runs it',
  },
  {
    rule: 'P8',
    name: "an effect's late result taken for its compensation's",
    edits: [
      {
        file: effects,
        find: 'stands.phaseFrom === stands.attempt ? withoutPhase(stands) : stands',
        replace: 'stands.phaseFrom === -1 ? withoutPhase(stands) : stands',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'is in the till after all',
  },
  {
    rule: 'P8',
    name: 'a key of its own for every attempt',
    edits: [
      {
        file: 'placement-node/src/effects/effect-runner.ts',
        find: 'idempotencyKey: entry.key,',
        replace: 'idempotencyKey: `${entry.key}#${entry.attempt}`,',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'was entered 2 times',
    quick: true,
  },
  {
    rule: 'P8',
    name: 'what nobody knows taken for a failure',
    edits: [
      {
        file: effects,
        find: 'draft.unknownEffects += 1;',
        replace: 'draft.unknownEffects += 1;\n  if (draft.jitter >= 0) return onFailed(found, new Error(why), false);',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'is in the till after all',
    quick: true,
  },
  {
    rule: 'P8',
    name: 'a repetition without the lookup that must come first',
    edits: [
      {
        file: effects,
        find: "if (spec?.lookup !== undefined) return inPhase(found, 'lookup', why);",
        replace: 'if (spec?.lookup !== undefined) return again(found, entry.runs);',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'was entered 2 times',
    quick: true,
  },
  {
    rule: 'P8',
    name: 'said to be compensated, and not done',
    edits: [
      {
        file: effects,
        find: "return inPhase(run, 'compensate', why);",
        replace: "return onDone({ ...run, entry: { ...run.entry, phase: 'compensate' } }, {});",
      },
    ],
    run: { workload: 'purchases' },
    shows: 'is in the till after all',
    quick: true,
  },
  {
    rule: 'P8',
    name: 'what may not start yet parked without a schedule',
    edits: [
      {
        file: session,
        find: 'handOver.arm(schedulesOf([...started, ...parked]));',
        replace: 'handOver.arm(schedulesOf(started.length + parked.length < 0 ? parked : started));',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'is still planned',
    quick: true,
  },
  {
    rule: 'P8',
    name: 'a slot that nobody gives back',
    edits: [
      {
        file: 'placement-node/src/effects/effect-slots.ts',
        find: 'this.#taken -= 1;',
        replace: 'this.#taken -= 0;',
      },
    ],
    run: { workload: 'purchases' },
    shows: 'is still planned',
    quick: true,
  },
];
