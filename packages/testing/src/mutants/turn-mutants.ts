/**
 * Mutants of the pure turn: what a commit contains, and what it believes of a message.
 */
import type { Mutant } from './mutant.ts';

const turn = 'core/src/turn/';

/** Messages of one agent leave it without waiting for those before them. */
const unordered = {
  file: 'placement-node/src/hand-over.ts',
  find: 'this.#sendAfter(this.#chains.get(entry.to), entry)',
  replace: 'this.#sendAfter(undefined, entry)',
} as const;

const noGaps = {
  file: `${turn}agent-messages.ts`,
  find: 'if (message.previous === 0 || seen.has(chainId(message, message.previous))) return true;',
  replace: 'if (message.previous >= 0 || seen.has("")) return true;',
} as const;

/** Many messages between the same agents at once, of which some are late. */
const dense = { spreadMs: 4_000, faults: { requestLost: 0.1, delayed: 0.2 } } as const;

export const turnMutants: readonly Mutant[] = [
  {
    rule: 'P7',
    name: 'the outbox in memory',
    edits: [
      {
        file: `${turn}take-turn.ts`,
        find: '? [...old.outbox, ...draft.outbox] : old.outbox',
        replace: '? old.outbox : old.outbox',
      },
    ],
    run: { workload: 'crowd', operations: 60, faults: { crash: 0.002, full: 0.4 } },
    shows: 'messages were sent and',
  },
  {
    rule: 'P7',
    name: "the server's window of message IDs trusted for events",
    edits: [
      {
        file: `${turn}apply.ts`,
        find: 'messageId !== undefined && seen.has(messageId)',
        replace: "messageId === '-' && seen.has(messageId)",
      },
    ],
    run: { workload: 'ledger' },
    shows: 'was processed twice',
    quick: true,
  },
  {
    rule: 'P7',
    name: "the server's window of message IDs trusted between agents",
    edits: [{ file: `${turn}agent-messages.ts`, find: 'if (seen.has(name) ||', replace: 'if (' }],
    run: { workload: 'ledger' },
    shows: 'was processed twice',
  },
  {
    rule: 'P7',
    name: 'a gap between numbers not waited for',
    edits: [unordered, noGaps],
    run: { workload: 'ledger', operations: 400, ...dense },
    shows: 'was due',
  },
  {
    rule: 'P7',
    name: 'watermarks without gaps',
    edits: [
      unordered,
      noGaps,
      {
        file: `${turn}agent-messages.ts`,
        find: 'if (seen.has(name) ||',
        replace:
          'if (Array.from({ length: 50 }, (_, i) => chainId(message, message.number + i)).some((id) => seen.has(id)) ||',
      },
    ],
    run: { workload: 'ledger', operations: 400, ...dense },
    shows: 'was acknowledged and is missing',
  },
  {
    rule: 'P7',
    name: 'IDs forgotten within the dedupe horizon',
    edits: [
      {
        file: 'protocol/src/seen-ids.ts',
        find: 'this.#horizonMs = horizonMs;',
        replace: 'this.#horizonMs = horizonMs / 20_000;',
      },
    ],
    run: { workload: 'ledger' },
    shows: 'was processed twice',
  },
  {
    rule: 'P9',
    name: 'the generation of a timer not looked at',
    edits: [
      {
        file: `${turn}apply.ts`,
        find: 'candidate.id === id && candidate.generation === generation',
        replace: 'candidate.id === id && candidate.generation !== -generation',
      },
    ],
    run: { workload: 'clocks' },
    shows: 'ms before its time',
    quick: true,
  },
  {
    rule: 'P1',
    name: 'child actors in memory only',
    edits: [
      {
        file: 'core/src/family/stored-actors.ts',
        find: 'sessions: family.sessions, ...(children !== undefined && { children }) }',
        replace: 'sessions: family.sessions, ...(children === undefined && { children }) }',
      },
    ],
    run: { workload: 'families' },
    shows: 'was acknowledged and is missing',
    quick: true,
  },
  {
    rule: 'P9',
    name: "a child actor's number used again",
    edits: [
      {
        file: 'core/src/family/family-step.ts',
        find: 'this.sessions = subject.snapshot?.family?.sessions ?? 0;',
        replace: 'this.sessions = subject.snapshot?.family?.actors.size ?? 0;',
      },
    ],
    run: { workload: 'families' },
    shows: 'was acknowledged and is missing',
  },
  {
    rule: 'P9',
    name: 'the same occurrence of a schedule armed again',
    edits: [{ file: `${turn}schedules.ts`, find: '...state }, fromMs);', replace: '...state }, fromMs - 1);' }],
    run: { workload: 'appointments' },
    shows: 'was taken twice',
  },
  {
    rule: 'P9',
    name: 'an occurrence beside the one before that still runs',
    edits: [
      {
        file: `${turn}schedules.ts`,
        find: 'entry.generation > began)',
        replace: 'entry.generation > began + 99)',
      },
    ],
    run: { workload: 'appointments' },
    shows: 'runs at once',
    quick: true,
  },
  {
    rule: 'P9',
    name: 'an occurrence past those that wait',
    edits: [
      { file: `${turn}schedules.ts`, find: 'queued.length > 0 || draft', replace: 'queued.length > 99 || draft' },
    ],
    run: { workload: 'appointments' },
    shows: 'or too late',
  },
  {
    rule: 'P13',
    name: 'a state of a newer version run by an older one',
    edits: [
      {
        file: 'core/src/snapshot-codec.ts',
        find: 'if (fromVersion > definition.version) {',
        replace: 'if (fromVersion > definition.version + 99) {',
      },
      {
        file: 'placement-node/src/wake.ts',
        find: 'if (record.machineVersion > definition.version)',
        replace: 'if (record.machineVersion > definition.version + 99)',
      },
    ],
    run: { workload: 'rolling' },
    shows: 'the machine version falls',
  },
  {
    rule: 'P13',
    name: 'a migrated state under its old version',
    edits: [
      {
        file: `${turn}take-turn.ts`,
        find: '...changes, snapshot, machineVersion }',
        replace: '...changes, snapshot }',
      },
    ],
    run: { workload: 'rolling' },
    shows: 'migrations, not',
  },
];
