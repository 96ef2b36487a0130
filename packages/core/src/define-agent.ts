/**
 * `defineAgent`: an XState machine plus what the bus must know about it, checked when the program starts.
 *
 * A mistake found here costs a stack trace at start-up; found later it costs an agent. Checks of the
 * machine are in `machine-check.ts`, of its older versions in `previous-check.ts`, of the options in
 * `agent-options.ts`.
 */
import { type AgentDefaults, type SleepMode, checkAgentType } from '@wakebus/protocol';
import type { AnyStateMachine, ContextFrom, EventFromLogic, InputFrom, OutputFrom } from 'xstate';
import { settled } from './agent-defaults.ts';
import { checkOptions } from './agent-options.ts';
import { type Isolation, type IsolationOptions, isolationOf } from './isolation.ts';
import type { GateRule } from './gate/gate.ts';
import { type EventSchema, type JsonSchema, readSchemas } from './event-schemas.ts';
import { checkMachine } from './machine-check.ts';
import { checkPrevious } from './previous-check.ts';
import { type SnapshotOptions, type SnapshotRules, snapshotRulesOf } from './snapshot-rules.ts';
import type { AgentRunner } from './program/runner.ts';
import type { StoredSnapshot } from './snapshot-codec.ts';
import { type WorkspaceOptions, type WorkspaceSpec, checkWorkspace, workspaceOf } from './workspace.ts';

/** An address in its two parts, in plain text, as a machine gets it. */
export interface AgentAddress {
  readonly type: string;
  readonly id: string;
}

/** One step between two versions: takes what the version before wrote, returns what this one reads. Pure. */
export type Migration = (snapshot: StoredSnapshot) => StoredSnapshot;

/** What may be said about an agent besides its machine. */
export interface AgentOptions<TMachine extends AnyStateMachine = AnyStateMachine> {
  /** Name of the agent type: a letter, then up to 63 of A-Z a-z 0-9 _ -. It stands in subjects and permissions. */
  readonly type: string;
  readonly machine: TMachine;
  /** Version of what the machine stores. Raise it when states or the context change shape. @default 1 */
  readonly version?: number;
  /**
   * `afterMs`: how long an idle agent stays awake, in milliseconds. @default 900,000 – a conversation pauses for minutes; waking again costs milliseconds.
   * `mode`: what becomes of it then. `stop`: nothing of it stays in memory. `pause`: its state does, within a budget of its placement node (`limits.pausedBytes`), and goes on without being read again. @default "stop" – what sleeps should cost nothing.
   */
  readonly sleep?: { readonly afterMs?: number; readonly mode?: SleepMode };
  /** How often a failing event is tried again after its first run, and the wait before the first retry in milliseconds, doubling after that. With 0 it is given up at its first failure; one whose placement node died is run once more all the same. @default 3 retries (four runs), 10,000 – long enough for a restart nearby, short enough to watch. */
  readonly retry?: { readonly attempts?: number; readonly backoffMs?: number };
  /** What becomes of an event after its last try. `skip`: it goes to the dead letters, and the next ones are taken. `stop`: it stays, and the agent is `failed`, with its mailbox, until an operator releases it. @default "skip" – one bad event should not silence an agent. */
  readonly onPoison?: 'skip' | 'stop';
  /** Turns run in threads of their own, where one that never ends is stopped. @default none – it costs every turn a journey to another thread. */
  readonly isolation?: IsolationOptions;
  /** Each event is put to a program, whose answer the machine takes; the machine is then `programMachine()`. Packages of runners have functions that give both. @default none */
  readonly runner?: AgentRunner;
  /** How long message IDs and unsent outputs are remembered, in milliseconds. @default 86,400,000 – a day covers the retries of most senders. The same for types that send to each other: what comes later than its receiver remembers is given up (`MESSAGE_STALE`). */
  readonly dedupe?: { readonly horizonMs?: number };
  /** Rules that decide whether an event is worth a wake, in order. Built-in ones: `ifTaken`, `rateLimit`, `coalesce`… @default none – every event wakes the agent */
  readonly gate?: readonly GateRule[];
  /** `migrate[n]` turns a snapshot of version n − 1 into one of version n. */
  readonly migrate?: Readonly<Record<number, Migration>>;
  /** Machines of older versions, oldest first, the last one being of version − 1: each of their states must have a home. @default none */
  readonly previous?: readonly AnyStateMachine[];
  /** Whether an address may be born again after `remove`. @default "allow" – an ID is mostly a name that the outside world reuses. */
  readonly rebirth?: 'allow' | 'forbid';
  /** How long the output of a completed agent is kept, in milliseconds. @default 2,592,000,000 – 30 days: a monthly look still finds it. */
  readonly completed?: { readonly keepMs?: number };
  /** When snapshots of its agents are kept by themselves. @default none are; operators keep them as they like */
  readonly snapshots?: SnapshotOptions;
  /** Schemas of events by name, for whoever has no agent code: gateways describe the events by them. They refuse nothing. @default none */
  readonly schemas?: Readonly<Record<string, EventSchema>>;
  /** Paths of its own that gateways take: `{ 'invoices/:id/paid': 'paid' }` makes `POST /<type>/invoices/17/paid` the event `paid` to `<type>/17`. Other places become fields. @default none */
  readonly routes?: Readonly<Record<string, string>>;
  /** Gives each agent of the type a folder of files, for effects with `workspace`. It is committed together with the state. @default none – an agent is its state alone */
  readonly workspace?: WorkspaceOptions;
}

/** `input` may be left out only by a machine that can start without one. */
export type InputOption<TMachine extends AnyStateMachine> =
  undefined extends InputFrom<TMachine>
    ? { readonly input?: (address: AgentAddress) => InputFrom<TMachine> }
    : { readonly input: (address: AgentAddress) => InputFrom<TMachine> };

/** A checked agent type with every default filled in. Frozen. */
export interface AgentDefinition<TMachine extends AnyStateMachine = AnyStateMachine> {
  readonly type: string;
  readonly machine: TMachine;
  readonly version: number;
  readonly input: ((address: AgentAddress) => InputFrom<TMachine>) | undefined;
  readonly sleep: { readonly afterMs: number; readonly mode: SleepMode };
  readonly retry: { readonly attempts: number; readonly backoffMs: number };
  /** What the author gave of that; a placement node's `agentDefaults` hold for the rest. */
  readonly given: AgentDefaults;
  readonly onPoison: 'skip' | 'stop';
  readonly isolation: Isolation | undefined;
  readonly runner: AgentRunner | undefined;
  readonly dedupe: { readonly horizonMs: number };
  readonly gate: readonly GateRule[];
  readonly migrate: Readonly<Record<number, Migration>>;
  readonly previous: readonly AnyStateMachine[];
  readonly rebirth: 'allow' | 'forbid';
  readonly completed: { readonly keepMs: number };
  readonly snapshots: SnapshotRules | undefined;
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  readonly routes: Readonly<Record<string, string>>;
  readonly workspace: WorkspaceSpec | undefined;
}

/** A definition of whatever machine: what the runtime works with. */
export type AnyAgentDefinition = AgentDefinition;

/** The events that an agent's machine takes. */
export type EventOf<A extends AgentDefinition> = EventFromLogic<A['machine']>;
/** The context of an agent's machine. */
export type ContextOf<A extends AgentDefinition> = ContextFrom<A['machine']>;
/** The output with which an agent completes. */
export type OutputOf<A extends AgentDefinition> = OutputFrom<A['machine']>;

/**
 * Defines an agent type.
 *
 * @throws {WakebusError} `INVALID_OPTION` for an unknown or wrong option, `INVALID_ADDRESS` for a type
 * that cannot be a subject token, `MACHINE_UNSUPPORTED` for a machine that could not survive a sleep,
 * `STATE_HOMELESS` or `VERSION_UNREACHABLE` when a state of `previous` has no home.
 */
export function defineAgent<TMachine extends AnyStateMachine>(
  options: AgentOptions<TMachine> & InputOption<TMachine>,
): AgentDefinition<TMachine> {
  checkOptions(options);
  checkAgentType(options.type);
  const given = Object.freeze({
    sleep: Object.freeze({ ...options.sleep }),
    retry: Object.freeze({ ...options.retry }),
  });
  const definition: AgentDefinition<TMachine> = Object.freeze({
    type: options.type,
    machine: options.machine,
    version: options.version ?? 1,
    input: options.input,
    ...settled(given, {}),
    given,
    onPoison: options.onPoison ?? 'skip',
    isolation: isolationOf(options.isolation),
    runner: options.runner,
    dedupe: Object.freeze({ horizonMs: options.dedupe?.horizonMs ?? 86_400_000 }),
    gate: Object.freeze([...(options.gate ?? [])]),
    migrate: Object.freeze({ ...options.migrate }),
    previous: Object.freeze([...(options.previous ?? [])]),
    rebirth: options.rebirth ?? 'allow',
    completed: Object.freeze({ keepMs: options.completed?.keepMs ?? 2_592_000_000 }),
    snapshots: snapshotRulesOf(options.snapshots),
    schemas: readSchemas(options.schemas),
    routes: Object.freeze({ ...options.routes }),
    workspace: workspaceOf(options.workspace),
  });
  checkMachine(definition.type, definition.machine);
  checkWorkspace(definition.type, definition.machine, definition.workspace);
  checkPrevious(definition);
  return definition;
}
