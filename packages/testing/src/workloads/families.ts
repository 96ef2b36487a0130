/**
 * Families: agents that make a child for each task. A child waits for a child of its own, a clock; then it has an
 * effect write into a diary that stands outside of everything that breaks; then it is done. Some are hurried by a
 * delayed event of their parent's, some are recalled in the middle.
 *
 * Whatever crashes, each task comes to one end, and nothing of a family is left behind.
 */
import { type AnyAgentDefinition, type EffectArgs, defineAgent, effect, remaining } from '@wakebus/core';
import { WakebusError, decode } from '@wakebus/protocol';
import {
  type AnyStateMachine,
  type PromiseActorLogic,
  assign,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { checkList, expectedOf } from '../checker/check-lists.ts';
import { checkRecords } from '../checker/check-records.ts';
import { checkTimers } from '../checker/check-timers.ts';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { Actor } from '../simulation/task.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

const FAMILY_TYPE = 'family';
const AGENTS = 6;
const TIMEOUT_MS = 2_000;
/** A clock's time, and the parent's hurry, in milliseconds: the one comes first about as often as the other. */
const CLOCK_MS = 700;
const HURRY_MS = 1_000;
const NAG_MS = 250;

type Told = readonly [id: string, how: string];

interface FamilyContext {
  /** Tasks whose children live, oldest first. */
  readonly open: readonly string[];
  readonly started: readonly string[];
  readonly told: readonly Told[];
  readonly nags: number;
}

interface FamilyEvent {
  readonly type: string;
  readonly id: string;
  readonly actorId: string;
  readonly output: string;
}

interface Args {
  readonly context: FamilyContext;
  readonly event: FamilyEvent;
}

/** What stands outside: it crashes never, and remembers all. */
class Diary {
  /** How often each task was written down. */
  readonly entries: Map<string, number> = new Map();
  readonly #keys = new Set<string>();
  readonly #simulation: Simulation;
  readonly #prng: Prng;
  readonly #actor = new Actor('diary');

  constructor(simulation: Simulation, prng: Prng) {
    this.#simulation = simulation;
    this.#prng = prng;
  }

  async write({ input, idempotencyKey }: EffectArgs<{ readonly id: string }>): Promise<string> {
    await this.#wait();
    if (!this.#keys.has(idempotencyKey)) this.entries.set(input.id, (this.entries.get(input.id) ?? 0) + 1);
    this.#keys.add(idempotencyKey);
    await this.#wait();
    return 'written';
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const delayMs = this.#prng.fraction() * 200;
      this.#simulation.scheduler.postAfter(delayMs, { actor: this.#actor, label: 'diary', run: resolve });
    });
  }
}

/** The workload of families. */
export function families(): Workload {
  let diary: Diary | undefined;
  const open = (): Diary => {
    if (diary === undefined) throw new WakebusError('UNAVAILABLE', { what: 'The diary' });
    return diary;
  };
  return {
    name: 'families',
    agents: [familyAgent(open)],
    drive: (driver) => {
      diary = new Diary(driver.simulation, driver.prng);
      drive(driver);
    },
    check: (history) => [...checkRecords(history), ...checkTimers(history), ...checkFamilies(history, open().entries)],
  };
}

function familyAgent(diary: () => Diary): AnyAgentDefinition {
  const chore = effect({
    run: (args: EffectArgs<{ readonly id: string }>) => diary().write(args),
    dedupe: 'key',
    keyHorizonMs: 3_600_000,
    timeoutMs: TIMEOUT_MS,
    retry: { attempts: 9, backoffMs: 10 },
  });
  const machine = setup({
    types: { context: {} as FamilyContext, events: {} as FamilyEvent },
    actors: { worker: workerMachine(chore) },
    delays: { nag: remaining(NAG_MS) },
    actions: {
      open: assign(({ context, event }) => ({ open: [...context.open, event.id] })),
      start: assign(({ context, event }) => ({ started: [...context.started, event.id] })),
      close: assign(({ context, event }) => tell(context, event.actorId, event.output)),
      recall: assign(({ context }) => tell(context, context.open[0] as string, 'recalled')),
      nag: assign(({ context }) => ({ nags: context.nags + 1 })),
    },
  }).createMachine({
    id: FAMILY_TYPE,
    context: { open: [], started: [], told: [], nags: 0 },
    on: {
      task: {
        actions: [
          'open',
          spawnChild('worker' as never, { id: idOf, input: (args: Args) => ({ id: idOf(args) }) }),
          sendTo(idOf as never, { type: 'hurry' } as never, { delay: HURRY_MS }),
          raise({ type: 'nag' }, { id: 'nag', delay: 'nag' } as never),
        ],
      },
      recall: {
        guard: ({ context }: Args) => context.open.length > 0,
        actions: [stopChild((({ context }: Args) => context.open[0]) as never), 'recall'],
      },
      started: { actions: 'start' },
      nag: { actions: 'nag' },
      'xstate.done.actor.*': { actions: ['close', stopChild((({ event }: Args) => event.actorId) as never)] },
    },
  } as never) as unknown as AnyStateMachine;
  return defineAgent({ type: FAMILY_TYPE, machine, sleep: { afterMs: 300 } });
}

function workerMachine(chore: PromiseActorLogic<string, { readonly id: string }>): AnyStateMachine {
  const clock = setup({}).createMachine({
    id: 'clock',
    initial: 'ticking',
    states: { ticking: { after: { [CLOCK_MS]: 'rung' } }, rung: { type: 'final' } },
  });
  return setup({ actors: { clock, chore } }).createMachine({
    id: 'worker',
    context: ({ input }: { input: { id: string } }) => ({ id: input.id, how: '' }),
    initial: 'waiting',
    states: {
      waiting: { invoke: { id: 'clock', src: 'clock', onDone: 'working' }, on: { hurry: 'working' } },
      working: {
        entry: sendParent((({ context }: { context: { id: string } }) => ({
          type: 'started',
          id: context.id,
        })) as never),
        invoke: {
          id: 'chore',
          src: 'chore',
          input: ({ context }: { context: { id: string } }) => ({ id: context.id }),
          onDone: { target: 'over', actions: assign({ how: 'done' }) },
          onError: { target: 'over', actions: assign({ how: 'failed' }) },
        },
      },
      over: { type: 'final' },
    },
    output: ({ context }: { context: { how: string } }) => context.how,
  } as never) as unknown as AnyStateMachine;
}

function idOf({ event }: { readonly event: unknown }): string {
  return (event as FamilyEvent).id;
}

function tell(context: FamilyContext, id: string, how: string): Partial<FamilyContext> {
  return { open: context.open.filter((each) => each !== id), told: [...context.told, [id, how]] };
}

function drive(driver: WorkloadDriver): void {
  sendEach(driver, (prng) => ({
    agent: numberedAgent(FAMILY_TYPE, prng.below(AGENTS)),
    kind: prng.chance(0.15) ? 'recall' : 'task',
    payload: {},
  }));
}

function checkFamilies({ agents, operations }: RunHistory, entries: ReadonlyMap<string, number>): Violation[] {
  const twice = [...entries].filter(([, count]) => count > 1).map(([id, count]) => `${id} was written ${count} times`);
  const wrong = [...agents.values()].flatMap((agent) => {
    const context = contextOf(agent.record) as FamilyContext | undefined;
    const { told = [], started = [] } = context ?? {};
    const mine = operations.filter(({ agent: key, kind }) => key === agent.key && kind === 'task');
    const expected = expectedOf(mine);
    const all = new Set([...expected.required, ...expected.allowed]);
    return [
      ...checkList(
        agent.key,
        told.map(([id]) => id),
        expected,
      ),
      ...checkList(agent.key, started, { required: new Set(), allowed: all }),
      ...told.flatMap(([id, how]) => checkEnd(agent, id, how, entries.get(id) ?? 0, started.includes(id))),
      ...checkNothingLeft(agent, told.length),
    ];
  });
  return [...twice, ...wrong];
}

function checkEnd({ key }: AgentHistory, id: string, how: string, entered: number, isStarted: boolean): Violation[] {
  if (how === 'done' && entered === 0) return [`${key}: ${id} is done, and not in the diary`];
  if (how !== 'recalled' && !isStarted) return [`${key}: ${id} is ${how}, and was never started`];
  return entered > 0 && !isStarted ? [`${key}: ${id} is in the diary, and was never started`] : [];
}

/** Each task made two actors, a worker and its clock; all of them are gone, and their timers and effects with them. */
function checkNothingLeft({ key, record }: AgentHistory, tasks: number): Violation[] {
  if (record === undefined || record.snapshot.length === 0) return [];
  const { children = {}, sessions = 0 } = decode(record.snapshot) as { children?: object; sessions?: number };
  const effects = record.journal.filter(({ endedMs }) => endedMs === undefined);
  return [
    ...Object.keys(children).map((id) => `${key}: the child ${id} is left`),
    ...record.timers
      .filter(({ actor }) => actor !== undefined)
      .map(({ id }) => `${key}: the child's timer ${id} is left`),
    ...effects.map(({ id, state }) => `${key}: the effect ${id} is still ${state}`),
    ...(sessions === 2 * tasks ? [] : [`${key}: ${tasks} tasks have made ${sessions} actors`]),
  ];
}
