/**
 * The client: one object over a NATS connection that sends to, calls, lists and inspects agents.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import {
  type AgentEvent,
  type AgentKey,
  type AuditAction,
  type EffectScope,
  type ErrorCode,
  type Layout,
  agentKey,
  checkAgentType,
  parseAddress,
} from '@wakebus/protocol';
import { AgentHandle } from './agent-handle.ts';
import { AgentTypeSwitches } from './agent-type-switches.ts';
import type { AgentMap, AgentToken, ContextOf, EventOf } from './agent-types.ts';
import { type AuditOptions, type AuditPage, type AuditedAction, audited, listAudit, noteRefusal } from './audit.ts';
import { type AgentCensus, type CensusOptions, takeCensus } from './census.ts';
import { ClientContext } from './client-context.ts';
import { type ControlOptions, type OperatorOptions, type RecoverOptions, controlAgent } from './control.ts';
import { type Chain, type ExplainOptions, explainChain } from './explain.ts';
import { type FollowOptions, followHistory } from './follow.ts';
import { type HistoryOptions, type HistoryPage, type PastCommit, readHistory } from './history.ts';
import { DeadLetters } from './dead-letters.ts';
import { type LivingNode, livingNodes, pendingByAgent } from './deployment-state.ts';
import { HeldMessages } from './held-messages.ts';
import { Incidents } from './incidents.ts';
import { type AgentInspection, inspectAgent } from './inspect.ts';
import { type AgentPage, type ListOptions, listAgents } from './list.ts';
import { natsClientPorts } from './nats/nats-ports.ts';
import { type Observation, type ObservedEvent, observeAgents } from './observe.ts';
import type { ClientPorts } from './ports.ts';
import { type ForkOptions, type RestoreOptions, forkAgent, restoreAgent } from './restore.ts';
import { Schedules } from './schedules.ts';
import { Snapshots } from './snapshots.ts';
import { type TaskState, readTaskState } from './task-state.ts';
import { Timers } from './timers.ts';

/** How {@link createClient} finds its deployment. */
export interface ClientOptions {
  /** Name of the deployment. @default "wakebus" */
  readonly prefix?: string;
  /** Who acts, for the audit: a name that nobody checks. @default "unknown" */
  readonly operator?: string;
}

/**
 * Makes a client.
 *
 * @typeParam TAgents - Agent definitions by type name, as types: `createClient<{ issue: typeof issueAgent }>(…)`.
 * @param source - A NATS connection, which stays the caller's, or ports of another kind.
 * @throws {WakebusError} `STREAM_MISSING` when the deployment does not exist, `JETSTREAM_DISABLED`, `UNAVAILABLE`.
 */
export async function createClient<TAgents extends AgentMap = AgentMap>(
  source: NatsConnection | ClientPorts,
  options: ClientOptions = {},
): Promise<Client<TAgents>> {
  const ports = 'layout' in source ? source : await natsClientPorts(source, options.prefix);
  return new Client<TAgents>(ports, options.operator);
}

/** What the audit is to know of an action that is not this client's own. */
interface AuditedOptions extends Pick<OperatorOptions, 'by' | 'reason'> {
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Made by {@link createClient}. */
export class Client<TAgents extends AgentMap = AgentMap> {
  readonly layout: Layout;
  /** Events that agents get by the clock. */
  readonly schedules: Schedules;
  /** What agents have pending: schedules, and delayed events of their machines. */
  readonly timers: Timers;
  /** Messages that were given up. */
  readonly deadLetters: DeadLetters;
  /** Messages that stand aside for agents which cannot run. */
  readonly held: HeldMessages;
  /** What operators must hear of. */
  readonly incidents: Incidents;
  /** Agent types as a whole: disabled and enabled. */
  readonly types: AgentTypeSwitches;
  /** Copies of agents, as they were at some point of their lives. */
  readonly snapshots: Snapshots;
  readonly #ports: ClientPorts;
  readonly #context: ClientContext;

  constructor(ports: ClientPorts, operator: string = 'unknown') {
    this.layout = ports.layout;
    this.#ports = ports;
    this.#context = new ClientContext(ports, operator);
    this.schedules = new Schedules(this.#context);
    this.timers = new Timers(this.#context);
    this.deadLetters = new DeadLetters(this.#context);
    this.held = new HeldMessages(this.#context);
    this.incidents = new Incidents(ports);
    this.types = new AgentTypeSwitches(this.#context);
    this.snapshots = new Snapshots(this.#context);
  }

  /**
   * One agent, by its type's name or definition (of which only the type and its types are used).
   *
   * @throws {WakebusError} `INVALID_ADDRESS`.
   */
  agent<K extends keyof TAgents & string>(type: K, id: string): AgentHandle<EventOf<TAgents[K]>>;
  agent<A extends AgentToken>(definition: A, id: string): AgentHandle<EventOf<A>>;
  agent(type: string | AgentToken, id: string): AgentHandle<never> {
    return new AgentHandle(this.#context, agentKey(typeof type === 'string' ? type : type.type, id));
  }

  /** The agent of an address, `<type>/<id>`, which somebody else has written; its events are untyped. @throws {WakebusError} `INVALID_ADDRESS`. */
  agentAt(address: string): AgentHandle<AgentEvent> {
    return new AgentHandle(this.#context, parseAddress(address));
  }

  /**
   * Reads an agent without waking it.
   *
   * @param address - `<type>/<id>`.
   * @returns `undefined` when there is no such agent.
   * @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`, `RECORD_DAMAGED`, `RECORD_NEWER`.
   */
  inspect(address: string): Promise<AgentInspection | undefined>;
  inspect<A extends AgentToken>(definition: A, id: string): Promise<AgentInspection<ContextOf<A>> | undefined>;
  inspect(at: string | AgentToken, id?: string): Promise<AgentInspection<never> | undefined> {
    const key = typeof at === 'string' ? parseAddress(at) : agentKey(at.type, id as string);
    return inspectAgent(this.#ports, key) as Promise<AgentInspection<never> | undefined>;
  }

  /**
   * How far an agent is with its task: where it stands, what it has behind it, what may come next, what failed.
   * From its record, its history and its type's statechart; it is not woken.
   *
   * @returns `undefined` when there is no such agent.
   * @throws as {@link inspect}.
   */
  taskState(address: string): Promise<TaskState | undefined> {
    return readTaskState(this.#ports, this.deadLetters, address);
  }

  /**
   * Lists agents, page by page, without waking them.
   *
   * @throws {WakebusError} `INVALID_OPTION`, `UNAVAILABLE`.
   */
  list(options: ListOptions = {}): Promise<AgentPage> {
    return listAgents(this.#ports, options);
  }

  /**
   * Counts agents by type and lifecycle, with those that need someone, and what is pending by the clock. Every record
   * is read: some seconds for 100,000 agents.
   *
   * @throws {WakebusError} `UNAVAILABLE`.
   */
  census(options: CensusOptions = {}): Promise<AgentCensus> {
    return takeCensus(this.#ports, options);
  }

  /** The placement nodes that live. @throws {WakebusError} `UNAVAILABLE`. */
  nodes(): Promise<LivingNode[]> {
    return livingNodes(this.#ports);
  }

  /** How many messages wait in the inboxes, by agent. @throws {WakebusError} `UNAVAILABLE`. */
  pending(): Promise<ReadonlyMap<AgentKey, number>> {
    return pendingByAgent(this.#ports);
  }

  /**
   * Listens to lifecycle changes and emitted events as they happen; nothing keeps them.
   *
   * @param pattern - An address, `<type>/*`, or `*`.
   * @throws {WakebusError} `INVALID_ADDRESS`.
   */
  observe(pattern: string, onEvent: (event: ObservedEvent) => void): Observation {
    return observeAgents(this.#ports, pattern, onEvent);
  }

  /**
   * Reads what has been committed, oldest first, page by page. Looking never wakes an agent.
   *
   * @param pattern - An address, `<type>/*`, or `*`.
   * @throws {WakebusError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNAVAILABLE`.
   */
  history(pattern: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    return readHistory(this.#ports, pattern, options);
  }

  /**
   * Follows what is being committed, from now on or from a sequence on, without a gap. Ends when the signal does.
   *
   * @throws {WakebusError} `INVALID_ADDRESS`, `INVALID_OPTION`; `UNAVAILABLE`: go on after the last `seq`.
   */
  follow(pattern: string, options: FollowOptions = {}): AsyncGenerator<PastCommit, void, void> {
    return followHistory(this.#ports, pattern, options);
  }

  /**
   * Explains what caused a wake, and what followed from it, from history: the last wake of an agent
   * (`<type>/<id>`), one of its messages (`<type>/<id>#<inbox sequence>`), a message by its ID, or a trace.
   *
   * @returns `undefined` when history knows nothing of it.
   * @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`.
   */
  explain(target: string, options: ExplainOptions = {}): Promise<Chain | undefined> {
    return explainChain(this.#ports, target, options);
  }

  /**
   * Removes an agent for good: its state goes, a tombstone stays. Resolves when it is done.
   *
   * @throws {WakebusError} `AGENT_NOT_FOUND`; `CALL_TIMEOUT` while no placement node runs its type; `UNAVAILABLE`, `OUTCOME_UNKNOWN`.
   */
  async remove(address: string, options: ControlOptions = {}): Promise<void> {
    await controlAgent(this.#context, parseAddress(address), 'remove', options);
  }

  /** Keeps an agent from taking events until it is released; they wait. @throws as {@link remove}. */
  async suspend(address: string, options: ControlOptions = {}): Promise<void> {
    await controlAgent(this.#context, parseAddress(address), 'suspend', options);
  }

  /** Lets an agent that was suspended, or had failed, take events again. @throws as {@link remove}; `AGENT_REFUSED` in quarantine. */
  async release(address: string, options: ControlOptions = {}): Promise<void> {
    await controlAgent(this.#context, parseAddress(address), 'release', options);
  }

  /**
   * Has an agent run again at once that has failed, or waits for its next try. One in quarantine needs a decision:
   * `keep` goes on from the state that is stored, with whatever its inbox holds; `anew` begins a new life.
   *
   * @throws as {@link remove}; `AGENT_REFUSED` for a suspended one, and in quarantine where the decision is missing
   * or there is no state to keep.
   */
  async recover(address: string, options: RecoverOptions = {}): Promise<void> {
    const { decision, ...rest } = options;
    await controlAgent(
      this.#context,
      parseAddress(address),
      'recover',
      rest,
      decision === undefined ? {} : { decision },
    );
  }

  /**
   * Takes an agent back to one of its snapshots: state, files and delayed events are those of then. Its place in the
   * inbox, what it has processed and sent, and its schedules stay as they are; one that was removed or is in quarantine
   * begins another life. Effects that were open then are `maybe` now. Resolves when it is committed.
   *
   * @throws as {@link remove}; `SNAPSHOT_NOT_FOUND`; `AGENT_REFUSED` while effects are not over; `CHUNK_MISSING`,
   * `CHUNK_DAMAGED`, `SNAPSHOT_HOMELESS`, `VERSION_NEWER` for a snapshot that cannot be gone back to: nothing is changed then.
   */
  async restore(address: string, snapshot: string, options: RestoreOptions = {}): Promise<void> {
    await restoreAgent(this.#context, parseAddress(address), snapshot, options);
  }

  /**
   * Begins an agent from another one of its type, as it is or as it was kept, with its files. Nothing that the other
   * has yet to send or to do is done by this one. Resolves when it is born.
   *
   * @returns ID of the snapshot that it began from, which stays.
   * @throws as {@link restore}; `AGENT_REFUSED` where there is such an agent already; `INVALID_OPTION` for another type.
   */
  fork(from: string, to: string, options: ForkOptions = {}): Promise<string> {
    return forkAgent(this.#context, parseAddress(from), parseAddress(to), options);
  }

  /**
   * Lists what operators did, oldest first, page by page: each action as it was asked for, and its outcome.
   *
   * @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `UNAVAILABLE`.
   */
  audit(options: AuditOptions = {}): Promise<AuditPage> {
    return listAudit(this.#ports, options);
  }

  /**
   * Has an action on effects in the audit, which is done by other means than this client: written down before it
   * is begun, and with what came of it.
   *
   * @throws {WakebusError} `UNAVAILABLE` when it could not be written down, and nothing was done; what the work throws.
   */
  audited<T>(
    action: 'disable' | 'enable',
    scope: EffectScope,
    work: () => Promise<T>,
    { by = this.#context.operator, reason, facts }: AuditedOptions = {},
  ): Promise<T> {
    return audited(this.#ports, { action, target: scope, by, reason, ...(facts !== undefined && { facts }) }, work);
  }

  /**
   * Writes down that an action was refused to somebody before it came to this client, as a gateway does. Does not
   * throw: nothing was done.
   *
   * @param about - The address of the agent that it was about, an agent type, or the path of an endpoint with its slash in front.
   */
  async noteRefusal(
    action: AuditAction,
    about: string,
    code: ErrorCode,
    { by = this.#context.operator, reason, facts }: AuditedOptions = {},
  ): Promise<void> {
    const what = { action, target: scopeOf(about), by, reason, ...(facts !== undefined && { facts }) };
    await noteRefusal(this.#ports, what, code);
  }

  /** Ends what the client listens to; calls that wait fail with `CALL_TIMEOUT`. The connection stays open. */
  close(): void {
    this.#context.calls.close();
  }
}

function scopeOf(about: string): AuditedAction['target'] {
  if (about.startsWith('/')) return { endpoint: about };
  return about.includes('/') ? { key: parseAddress(about) } : { type: checkAgentType(about) };
}
