/**
 * Appointments: agents that keep a schedule from their birth on, work at each occurrence for longer than its
 * period as often as not, and end it after a dozen. Each treats what it misses, and what overlaps, in one of
 * the nine ways there are.
 *
 * Every occurrence is accounted for: taken once, or counted as left out with the next one that is taken.
 */
import {
  type AnyAgentDefinition,
  type Missed,
  type Occurrence,
  type Overlap,
  type Schedule,
  defineAgent,
  effect,
  schedule,
  unschedule,
} from '@wakebus/core';
import { assign, setup, spawnChild } from 'xstate';
import { checkList, expectedOf } from '../checker/check-lists.ts';
import { checkRecords } from '../checker/check-records.ts';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { Actor } from '../simulation/task.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

const DIARY_TYPE = 'diary';
const EVERY_MS = 2_000;
/** Shorter than the faults keep a node away: some occurrences are missed in every run. */
const GRACE_MS = 1_500;
/** Occurrences after which a diary ends its schedule: a run must come to rest. */
const ENOUGH = 12;
const TIMEOUT_MS = 4_000;
const MISSED: readonly Missed[] = ['skip', 'once', 'all'];
const OVERLAPS: readonly Overlap[] = ['skip', 'queue', 'cancel-running'];

interface DiaryContext {
  readonly number: number;
  readonly notes: readonly string[];
  readonly taken: readonly Occurrence[];
}

type DiaryEvent = { readonly type: string; readonly id?: string; readonly occurrence?: Occurrence };

/** How one of the diaries treats what it misses, and what overlaps. */
function waysOf(number: number): { readonly missed: Missed; readonly overlap: Overlap } {
  return { missed: MISSED[number % 3] as Missed, overlap: OVERLAPS[Math.floor(number / 3) % 3] as Overlap };
}

function plan(number: number): Schedule {
  const jitterMs = number % 2 === 0 ? 0 : 700;
  return { everyMs: EVERY_MS, ...waysOf(number), graceMs: GRACE_MS, jitterMs, event: { type: 'due' } };
}

function notYet(): Promise<void> {
  return Promise.reject(new Error('nothing runs yet'));
}

/** The workload of diaries. */
export function appointments(): Workload {
  let work = notYet;
  return {
    name: 'appointments',
    agents: [diaryAgent(() => work())],
    // A node whose clock is ahead of the server's by more than the grace takes every occurrence for missed. With jumps
    // (of a minute, against a grace of 1.5 s) diaries that leave out what they miss never have enough of them, and a
    // run does not end; those that make up for it keep every promise.
    without: ['clockJump'],
    drive: (driver) => {
      work = workIn(driver.simulation, driver.prng);
      drive(driver);
    },
    check: (history) => [
      ...checkRecords(history),
      ...[...history.agents.values()].flatMap((a) => checkDiary(a, history)),
    ],
  };
}

/** Work that takes half a period, or two of them. */
function workIn(simulation: Simulation, prng: Prng): () => Promise<void> {
  const actor = new Actor('work');
  return () =>
    new Promise((resolve) => {
      const delayMs = prng.fraction() * 2 * EVERY_MS;
      simulation.scheduler.postAfter(delayMs, { actor, label: 'work', run: resolve });
    });
}

function diaryAgent(work: () => Promise<void>): AnyAgentDefinition {
  const machine = setup({
    types: { context: {} as DiaryContext, events: {} as DiaryEvent, input: {} as { number: number } },
    actors: { work: effect({ run: work, timeoutMs: TIMEOUT_MS }) },
    actions: {
      note: assign({ notes: ({ context, event }) => [...context.notes, event.id ?? ''] }),
      take: assign({ taken: ({ context, event }) => [...context.taken, event.occurrence as Occurrence] }),
      work: spawnChild('work', { id: ({ event }) => `work@${event.occurrence?.atMs}` }),
    },
  }).createMachine({
    id: DIARY_TYPE,
    context: ({ input }) => ({ number: input.number, notes: [], taken: [] }),
    entry: schedule('s', ({ context }) => plan(context.number)),
    on: {
      note: { actions: 'note' },
      due: [
        { guard: ({ context }) => context.taken.length + 1 >= ENOUGH, actions: ['take', 'work', unschedule('s')] },
        { actions: ['take', 'work'] },
      ],
      // Cancelled, failed, or nobody knows: it is over.
      'xstate.error.actor.*': {},
    },
  });
  return defineAgent({
    type: DIARY_TYPE,
    machine,
    input: ({ id }: { id: string }) => ({ number: Number(id.replaceAll(/\D/g, '')) }),
    sleep: { afterMs: 300 },
  });
}

function drive(driver: WorkloadDriver): void {
  sendEach(driver, (prng) => ({
    agent: numberedAgent(DIARY_TYPE, prng.below(MISSED.length * OVERLAPS.length)),
    kind: 'note',
    payload: {},
  }));
}

function checkDiary(agent: AgentHistory, { operations }: RunHistory): Violation[] {
  const { key, record } = agent;
  const { number = 0, notes = [], taken = [] } = (contextOf(record) as DiaryContext | undefined) ?? {};
  const mine = operations.filter((operation) => operation.agent === key);
  return [
    ...checkList(key, notes, expectedOf(mine)),
    ...checkOccurrences(taken, waysOf(number)).map((wrong) => `${key}: ${wrong}`),
    ...(record !== undefined && taken.length !== ENOUGH
      ? [`${key}: it has taken ${taken.length} occurrences, not ${ENOUGH}`]
      : []),
    ...checkRunning(agent),
    ...agent.deadLetters.map(({ seq, code, message }) => `${key}: message ${seq} is given up: ${code} ${message}`),
  ];
}

/** Each one is taken once, in order; what lies between two is counted, and may only be where something may be left out. */
function checkOccurrences(taken: readonly Occurrence[], ways: ReturnType<typeof waysOf>): string[] {
  return taken.slice(1).flatMap(({ atMs, missed }, i) => {
    const steps = (atMs - (taken[i]?.atMs ?? 0)) / EVERY_MS;
    if (steps <= 0) return [`the occurrence of ${atMs} was taken twice, or too late`];
    if (!Number.isInteger(steps)) return [`${atMs} is no time of its schedule`];
    if (steps - 1 !== missed) return [`${missed} were counted as left out before ${atMs}, and ${steps - 1} were`];
    const mayLeaveOut = ways.missed !== 'all' || ways.overlap === 'skip';
    return missed > 0 && !mayLeaveOut ? [`${missed} were left out before ${atMs}`] : [];
  });
}

/** The work of two occurrences never stands side by side. */
function checkRunning({ key, writes }: AgentHistory): Violation[] {
  return writes.flatMap(({ record, revision }) => {
    const open = (record?.journal ?? []).filter(({ endedMs }) => endedMs === undefined);
    return open.length > 1 ? [`${key}, revision ${revision}: the work of ${open.length} occurrences runs at once`] : [];
  });
}
