/**
 * The lifecycle of an agent, as an XState machine: in which phase it is, and what may come next.
 *
 * It decides nothing else and stores nothing: which phases are written into the record is the turn's
 * matter, and who sends the events is the placement node's. The drawing in the README is made from this.
 */
import { type AnyMachineSnapshot, type AnyStateMachine, type StateValue, setup, transition } from 'xstate';

/** Where an agent is. `waking.*` and `awake.*` are phases of one session. */
export type Phase =
  | 'asleep'
  | 'waking.claiming'
  | 'waking.hydrating'
  | 'waking.resuming'
  | 'awake.running'
  | 'awake.idle'
  | 'paused'
  | 'dehydrating'
  | 'backoff'
  | 'failed'
  | 'suspended'
  | 'completed'
  | 'quarantined'
  | 'removed';

/** What can happen to an agent. */
export type LifecycleEvent =
  /** Something waits for a sleeping agent: a message, a timer, a retry that was asked for. */
  | { type: 'wake' }
  /** The session lease is this node's, or will be with the session's first commit. */
  | { type: 'claimed' }
  /** Another node has the session, or is ranked before this one. */
  | { type: 'outrun' }
  /** State and workspace are here. */
  | { type: 'hydrated' }
  /** The machine stands as it was left, and what it owed has been handed over. */
  | { type: 'resumed' }
  /** The mailbox is empty. */
  | { type: 'drained' }
  /** A message for an agent that is in memory. */
  | { type: 'message' }
  /** Keep the state in memory and close all else: its type asks for it. */
  | { type: 'pause' }
  /** Leave the memory: idle for long enough, asked for by the machine or by another node, or no memory left. */
  | { type: 'sleep' }
  /** Everything is stored and the lease is free. */
  | { type: 'dehydrated' }
  /** Something outside of the machine broke the session: the node, a store, a workspace. */
  | { type: 'crash' }
  /** The wait after a crash is over. */
  | { type: 'retry' }
  /** Too many crashes in a row, or one where the type allows none. Operators are told. */
  | { type: 'give-up' }
  /** The machine has reached a final state. */
  | { type: 'complete' }
  /** An operator, or a turn that cannot be stored, stops the agent. Nothing is lost. */
  | { type: 'suspend' }
  /** An operator lets it run again. */
  | { type: 'release' }
  /** What is stored contradicts itself: an operator must look. */
  | { type: 'quarantine' }
  /** An operator removes the agent. */
  | { type: 'remove' }
  /** A message for the address of a removed agent, whose type allows another birth. */
  | { type: 'rebirth' }
  /** An operator takes a completed agent back to when it was not. Others go on as they would without it. */
  | { type: 'restore' }
  /** The lease is gone or another node has committed: what is in memory is worth nothing. */
  | { type: 'lease-lost' }
  /** The phase took longer than {@link phaseTimeoutMs}. */
  | { type: 'timeout' };

/** The name of a {@link LifecycleEvent}. */
export type LifecycleEventType = LifecycleEvent['type'];

/** The lifecycle. Pure: no actions, no context, no delays of its own. */
export const lifecycleMachine: AnyStateMachine = setup({ types: { events: {} as LifecycleEvent } }).createMachine({
  id: 'lifecycle',
  initial: 'asleep',
  on: { suspend: '.suspended', quarantine: '.quarantined', remove: '.removed' },
  states: {
    asleep: { on: { wake: 'waking' } },
    waking: {
      initial: 'claiming',
      on: { crash: 'backoff', 'lease-lost': 'asleep' },
      states: {
        claiming: { on: { claimed: 'hydrating', outrun: '#lifecycle.asleep', timeout: '#lifecycle.asleep' } },
        hydrating: { on: { hydrated: 'resuming', timeout: '#lifecycle.backoff' } },
        resuming: { on: { resumed: '#lifecycle.awake', timeout: '#lifecycle.backoff' } },
      },
    },
    awake: {
      initial: 'running',
      on: { complete: 'completed', sleep: 'dehydrating', crash: 'backoff', 'lease-lost': 'asleep' },
      states: {
        running: { on: { drained: 'idle', 'give-up': '#lifecycle.failed', timeout: '#lifecycle.backoff' } },
        idle: { on: { message: 'running', pause: '#lifecycle.paused', timeout: '#lifecycle.dehydrating' } },
      },
    },
    paused: {
      on: { message: 'awake', sleep: 'dehydrating', crash: 'asleep', 'lease-lost': 'asleep' },
    },
    dehydrating: { on: { dehydrated: 'asleep', crash: 'backoff', 'lease-lost': 'asleep', timeout: 'backoff' } },
    backoff: { on: { retry: 'waking', timeout: 'waking', 'give-up': 'failed', release: 'asleep' } },
    failed: { on: { release: 'asleep' } },
    suspended: { on: { release: 'asleep', suspend: {} } },
    completed: { on: { suspend: {}, restore: 'waking' } },
    quarantined: { on: { release: 'asleep', suspend: {}, quarantine: {} } },
    removed: { on: { rebirth: 'waking', suspend: {}, quarantine: {}, remove: {} } },
  },
});

/**
 * How long a phase may take before it gets `timeout`, in milliseconds; `undefined` for those in which
 * nothing is being waited for here.
 *
 * `awake.idle` and `backoff` end at their own times: the type's `sleep.afterMs`, and the wait after a crash. `paused` ends
 * with a message, or when the memory is wanted.
 */
export const phaseTimeoutMs: Readonly<Record<Phase, number | undefined>> = {
  asleep: undefined,
  // A claim is one compare-and-set; twice the longest election of a leader.
  'waking.claiming': 20_000,
  // Snapshots and workspaces of some hundred MB, at the 50 MB/s of a slow object store.
  'waking.hydrating': 30_000,
  'waking.resuming': 20_000,
  // A step takes microseconds; a commit waits for an election at most.
  'awake.running': 30_000,
  'awake.idle': 900_000,
  paused: undefined,
  dehydrating: 30_000,
  backoff: 10_000,
  failed: undefined,
  suspended: undefined,
  completed: undefined,
  quarantined: undefined,
  removed: undefined,
};

const known = new Map<string, Phase | undefined>();

/**
 * The phase after an event, or `undefined` when the event means nothing in that phase.
 *
 * Computed from {@link lifecycleMachine} once a pair, and looked up after that.
 */
export function nextPhase(phase: Phase, event: LifecycleEventType): Phase | undefined {
  const pair = `${phase} ${event}`;
  if (known.has(pair)) return known.get(pair);
  const before: AnyMachineSnapshot = lifecycleMachine.resolveState({ value: valueOf(phase) } as never);
  const [after] = transition(lifecycleMachine, before, { type: event });
  const next = phaseOf(after.value as StateValue);
  const result = next === phase ? undefined : next;
  known.set(pair, result);
  return result;
}

function valueOf(phase: Phase): StateValue {
  const [outer = '', inner] = phase.split('.');
  return inner === undefined ? outer : { [outer]: inner };
}

function phaseOf(value: StateValue): Phase {
  if (typeof value === 'string') return value as Phase;
  return Object.entries(value).map(([outer, inner]) => `${outer}.${inner as string}`)[0] as Phase;
}
