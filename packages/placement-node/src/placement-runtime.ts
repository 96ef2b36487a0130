/**
 * One placement node over its ports: joins, serves, drains. It knows nothing of NATS, so the simulator
 * runs this very code.
 */
import { type AnyAgentDefinition, withDefaults } from '@wakebus/core';
import { type AgentDefaults, WakebusError, metric } from '@wakebus/protocol';
import { HistoryWriter } from './history-writer.ts';
import { type IncidentListener, IncidentWriter } from './incidents.ts';
import { Audit } from './audit.ts';
import { Health, type NodeHealth } from './health.ts';
import { ringOrphans } from './effects/orphans.ts';
import { AgentResources, type ResourceHolder } from './effects/agent-resources.ts';
import { DisabledTypes } from './disabled-types.ts';
import { DisabledEffects } from './effects/disabled-effects.ts';
import { EffectGates } from './effects/effect-gates.ts';
import { EffectRunner, type RunnerContext } from './effects/effect-runner.ts';
import { EffectSlots } from './effects/effect-slots.ts';
import { ringParked } from './effects/parked.ts';
import { type OpenRunners, closeRunners, openRunners } from './isolation/open-runners.ts';
import { CHUNK_BYTES } from './objects/cut.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Membership } from './membership.ts';
import type { NodeContext, NodeLog, Probes, Sabotage } from './node-context.ts';
import { Partitions } from './partitions.ts';
import type { Ports } from './ports/ports.ts';
import { prepareRunners } from './programs/program-turn.ts';
import { RunningPrograms } from './programs/running-programs.ts';
import { registerTypes } from './registry.ts';
import { Sessions } from './sessions.ts';
import { Telemetry } from './telemetry.ts';
import type { TelemetryOptions } from './telemetry/tracing.ts';
import { typeAgent } from './type-agent.ts';

/** What a placement node is made of, whatever its ports are. */
export interface RuntimeOptions {
  readonly agents: readonly AnyAgentDefinition[];
  /** What holds for the agent types whose definitions do not say it; `readConfiguration` makes it of a configuration. @default none – a definition has defaults of its own. */
  readonly agentDefaults?: AgentDefaults;
  /** Stands before a random part in the node's ID. @default "node". */
  readonly name?: string;
  /** Placement nodes with the same agent types share a pool. @default "default". */
  readonly pool?: string;
  /** Whether commits are written to the history stream. @default true – `explain`, replay and audit need it. */
  readonly history?: boolean;
  readonly limits?: Partial<Limits>;
  readonly log?: NodeLog;
  /** Called when this node has told operators of an incident. Best effort: what must not be missed is read from the stream (`wakebus incidents`). */
  readonly onIncident?: IncidentListener;
  /** What its spans say. They go to the SDK that the process has registered before. */
  readonly telemetry?: TelemetryOptions;
  readonly probes?: Probes;
  readonly sabotage?: Sabotage;
}

/** What a placement node says of itself. */
export interface NodeStatus {
  readonly nodeId: string;
  readonly pool: string;
  /** Agents in memory. */
  readonly sessions: number;
  /** Those of them that are paused. */
  readonly paused: number;
  /** Effects that run here, those among them whose result is not stored yet. */
  readonly effects: number;
  /** Programs that run here as agents' behaviour. */
  readonly programs: number;
  /** Connections and handles that effects have opened here: for agents that are awake, and for effects whose agent sleeps. */
  readonly resources: { readonly agents: number; readonly effects: number };
  /** Partitions in which this node comes first. */
  readonly partitions: number;
  /** Living placement nodes that take work, of all pools. */
  readonly members: readonly string[];
  /** Whether its lease lives: a node that may not act does nothing. */
  readonly mayAct: boolean;
}

const QUIET: NodeLog = { info: () => {}, warn: () => {} };

export class PlacementRuntime {
  readonly nodeId: string;
  readonly #context: NodeContext;
  readonly #membership: Membership;
  readonly #partitions: Partitions;
  readonly #sessions: Sessions;
  readonly #audit: Audit;
  readonly #effects: EffectRunner;
  readonly #disabled: DisabledEffects;
  readonly #pool: string;
  #commits = 0;
  #draining: Promise<void> | undefined;

  private constructor(ports: Ports, options: RuntimeOptions, incarnations: string[], turnRunners: OpenRunners) {
    const { agents, name = 'node', pool = 'default' } = options;
    this.nodeId = `${name}-${ports.random.id().slice(0, 8)}`;
    this.#pool = pool;
    const types = Object.fromEntries(agents.map(({ type, version }) => [type, version]));
    const self = { nodeId: this.nodeId, pool, types, state: 'active', startedMs: ports.clock.wallMs() } as const;
    this.#membership = new Membership(
      ports,
      self,
      () => this.#onMembers(),
      () => this.#seekOrphans(),
    );
    const log = options.log ?? QUIET;
    const telemetry = new Telemetry(this.nodeId, options.telemetry);
    const shared: RunnerContext = {
      ports,
      layout: ports.layout,
      nodeId: this.nodeId,
      definitions: new Map(agents.map((definition) => [definition.type, definition])),
      typeAgents: new Map(agents.map((definition) => [definition.type, typeAgent(definition, () => shared)])),
      turnRunners,
      membership: this.#membership,
      disabledTypes: new DisabledTypes(ports.layout),
      telemetry,
      programs: new RunningPrograms(telemetry),
      health: new Health(ports.clock, this.#membership, telemetry, log),
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      history: options.history === false ? undefined : this.#openHistory(ports),
      incidents: this.#openIncidents(ports, log, options.onIncident),
      nextCommit: () => `${this.nodeId}.${(this.#commits += 1)}`,
      incarnations,
      log,
      probes: options.probes,
      sabotage: options.sabotage ?? {},
    };
    this.#disabled = new DisabledEffects(ports.layout);
    this.#effects = new EffectRunner(shared, {
      gates: new EffectGates(shared, this.#disabled),
      slots: new EffectSlots(shared.limits.maxEffects, (key) => this.#sessions.nudge(key)),
      resources: new AgentResources(shared, (key) => this.#sessions.isUp(key)),
    });
    this.#context = { ...shared, effects: this.#effects };
    this.#partitions = new Partitions(this.#context, pool);
    this.#sessions = new Sessions(this.#context, this.#partitions);
    this.#audit = new Audit(this.#context, this.#sessions);
    telemetry.observe(metric.sessions, () => this.#sessions.count);
    telemetry.observe(metric.overdueTimers, () => this.#audit.overdueTimers);
    telemetry.observe(metric.oldestMessageMs, () => {
      const nowMs = ports.clock.wallMs();
      return Math.max(0, nowMs - (this.#sessions.oldestStoredMs ?? nowMs));
    });
    telemetry.observe(metric.runningEffects, () => this.#effects.count);
    telemetry.observe(metric.waitingEffects, () => this.#effects.slots.waiting);
  }

  /**
   * Joins the deployment and serves.
   *
   * @throws {WakebusError} `POOL_CONFLICT`, `INVALID_OPTION`, `UNAVAILABLE`.
   */
  static async start(ports: Ports, given: RuntimeOptions): Promise<PlacementRuntime> {
    checkOptions(given);
    checkWorkspaces(ports, given);
    const options = { ...given, agents: withDefaults(given.agents, given.agentDefaults ?? {}) };
    const pool = options.pool ?? 'default';
    const infos = await Promise.all(ports.inboxes.map((inbox) => inbox.info()));
    const incarnations = infos.map(({ incarnation }) => incarnation);
    await prepareRunners(options.agents, options.log);
    // Before they are registered: a type whose module is wrong would wait for a node that there is not.
    const turnRunners = await openRunners(ports, options.agents, options.log);
    const runtime = new PlacementRuntime(ports, options, incarnations, turnRunners);
    try {
      await runtime.#join(await registerTypes(ports.registry, pool, options.agents, ports.clock.wallMs()));
    } catch (thrown) {
      // What was begun would go on serving under an ID that nobody knows of.
      runtime.close();
      throw thrown;
    }
    return runtime;
  }

  status(): NodeStatus {
    return {
      nodeId: this.nodeId,
      pool: this.#pool,
      sessions: this.#sessions.count,
      paused: this.#sessions.paused.count,
      effects: this.#effects.count,
      programs: this.#context.programs.count,
      resources: { agents: this.#openFor('agents'), effects: this.#openFor('effects') },
      partitions: this.#partitions.firstCount,
      members: this.#membership.active().map(({ nodeId }) => nodeId),
      mayAct: this.#membership.mayAct(),
    };
  }

  #openFor(holder: ResourceHolder): number {
    const { resources } = this.#effects;
    return resources.count('connection', holder) + resources.count('handle', holder);
  }

  /** Whether it can do its work, and if not, why. */
  health(): NodeHealth {
    return this.#context.health.read();
  }

  /** Takes no more work, puts every agent to sleep or hands it over, and leaves; within `limits.drainMs` and some. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Stops at once and without a word, as a crash would. */
  close(): void {
    this.#audit.stop();
    this.#membership.close();
    this.#effects.close();
    this.#disabled.close();
    this.#context.disabledTypes.close();
    this.#sessions.close();
    closeRunners(this.#context.turnRunners);
    void this.#partitions.stop();
  }

  #openHistory(ports: Ports): HistoryWriter {
    const { clock, history: log, layout } = ports;
    return new HistoryWriter({
      log,
      clock,
      subjectOf: (key) => layout.historySubject(key),
      mayAct: () => this.#membership.mayAct(),
    });
  }

  #openIncidents(ports: Ports, log: NodeLog, onIncident: IncidentListener | undefined): IncidentWriter {
    const { clock, incidents, layout } = ports;
    const mayAct = (): boolean => this.#membership.mayAct();
    return new IncidentWriter({ incidents, clock, layout, nodeId: this.nodeId, log, mayAct, onIncident });
  }

  async #join(types: readonly string[]): Promise<void> {
    this.#effects.listen();
    await this.#disabled.watch(this.#context.ports.registry, (scope) => {
      void ringParked(this.#context, scope, this.#sessions);
    });
    await this.#context.disabledTypes.watch(this.#context.ports.registry, {
      disabled: (type) => this.#sessions.stopType(type),
      enabled: (type) => this.#partitions.ringType(type),
    });
    await this.#membership.join();
    this.#sessions.listen();
    await this.#partitions.join(this.#sessions, types, this.#membership.active());
    this.#audit.start();
    this.#seekOrphans();
  }

  #seekOrphans(): void {
    void ringOrphans(this.#context, this.#sessions);
  }

  #onMembers(): void {
    if (!this.#membership.mayAct() && this.#context.sabotage.cas !== true) this.#sessions.drop();
    this.#partitions.rank(this.#membership.active());
  }

  async #drain(): Promise<void> {
    this.#audit.stop();
    this.#effects.startDraining();
    await this.#membership.startDraining();
    const stopped = this.#partitions.stop();
    await Promise.all([this.#sessions.drain(), this.#effects.drain()]);
    await this.#effects.resources.closed();
    await stopped;
    await this.#membership.leave();
    this.#effects.close();
    this.#disabled.close();
    this.#context.disabledTypes.close();
    this.#sessions.close();
    closeRunners(this.#context.turnRunners);
  }
}

function checkOptions(options: RuntimeOptions): void {
  const { agents, name = 'node', pool = 'default', limits } = options;
  if (!Array.isArray(agents) || agents.length === 0)
    throw new WakebusError('INVALID_OPTION', { option: 'agents', why: 'give at least one agent made by defineAgent' });
  const twice = agents.find(({ type }, i) => agents.findIndex((other) => other.type === type) !== i);
  if (twice !== undefined)
    throw new WakebusError('INVALID_OPTION', { option: 'agents', why: `the type "${twice.type}" is there twice` });
  for (const [option, value] of [
    ['name', name],
    ['pool', pool],
  ] as const) {
    if (!/^[A-Za-z0-9_]{1,32}$/.test(value))
      throw new WakebusError('INVALID_OPTION', { option, why: 'write 1 to 32 of A-Z a-z 0-9 _' });
  }
  checkChunkBytes(limits?.chunkBytes ?? CHUNK_BYTES);
}

function checkWorkspaces({ workspaces }: Ports, { agents }: RuntimeOptions): void {
  const without = workspaces === undefined ? agents.find(({ workspace }) => workspace !== undefined) : undefined;
  if (without === undefined) return;
  const why = `the type "${without.type}" has a workspace; give folderWorkspaces() of @wakebus/workspace`;
  throw new WakebusError('INVALID_OPTION', { option: 'workspaces', why });
}

function checkChunkBytes(chunkBytes: number): void {
  if (!Number.isInteger(Math.log2(chunkBytes)) || chunkBytes < 64 || chunkBytes > CHUNK_BYTES)
    throw new WakebusError('INVALID_OPTION', {
      option: 'limits.chunkBytes',
      why: `write a power of two from 64 to ${CHUNK_BYTES}`,
    });
}
