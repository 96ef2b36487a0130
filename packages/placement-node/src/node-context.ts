/**
 * What every session of one placement node shares. A plain object, made once at the start.
 */
import type { AnyAgentDefinition } from '@wakebus/core';
import { type AgentKey, type Layout, isTypeAgent, splitKey } from '@wakebus/protocol';
import type { DisabledTypes } from './disabled-types.ts';
import type { EffectRunner } from './effects/effect-runner.ts';
import type { Health } from './health.ts';
import type { HistoryWriter } from './history-writer.ts';
import type { IncidentWriter } from './incidents.ts';
import type { Membership } from './membership.ts';
import type { EventLog } from './ports/event-log.ts';
import type { Ports } from './ports/ports.ts';
import type { TurnRunner } from './ports/turn-runner.ts';
import type { RunningPrograms } from './programs/running-programs.ts';
import type { Telemetry } from './telemetry.ts';
import type { Limits } from './limits.ts';

export interface NodeContext {
  readonly ports: Ports;
  readonly layout: Layout;
  readonly nodeId: string;
  readonly definitions: ReadonlyMap<string, AnyAgentDefinition>;
  /** The agents of whole types, by type. */
  readonly typeAgents: ReadonlyMap<string, AnyAgentDefinition>;
  /** By agent type, for those that ask for isolation. */
  readonly turnRunners: ReadonlyMap<string, TurnRunner>;
  readonly membership: Membership;
  /** Types of which no agent may run now. */
  readonly disabledTypes: DisabledTypes;
  readonly telemetry: Telemetry;
  readonly health: Health;
  readonly limits: Limits;
  /** What runs effects here, whatever becomes of their sessions. */
  readonly effects: EffectRunner;
  /** Programs that run here as agents' behaviour. */
  readonly programs: RunningPrograms;
  /** Not there where history is switched off. */
  readonly history: HistoryWriter | undefined;
  /** Tells operators what nobody goes on with by itself. */
  readonly incidents: IncidentWriter;
  /** A name for a commit that no other commit of any node has: only the same bytes may be offered under it again. */
  readonly nextCommit: () => string;
  /** Incarnation of each shard's inbox, as last read. */
  readonly incarnations: string[];
  readonly log: NodeLog;
  readonly probes: Probes | undefined;
  readonly sabotage: Sabotage;
}

/** Hooks for tests and demonstrations: they are called, and waited for, at named steps. */
export interface Probes {
  /** Between a turn and its commit. */
  beforeCommit?(key: AgentKey): void | Promise<void>;
  /** After a turn's commit, before anything leaves. */
  afterCommit?(key: AgentKey): void | Promise<void>;
  /** Before each message to another agent is handed over. */
  beforeRelay?(key: AgentKey): void | Promise<void>;
  /** Before an agent is put to sleep in a commit of its own. `to`: it is given to that node. */
  beforeSleep?(key: AgentKey, to: string | undefined): void | Promise<void>;
  /** Between the commit that says that effects are started and their running. */
  beforeEffect?(key: AgentKey): void | Promise<void>;
  /** When an effect has ended, before what it has left of its agent's files is put away. */
  beforeSync?(key: AgentKey): void | Promise<void>;
  /** When an effect has ended, before its result is stored. */
  beforeResult?(key: AgentKey): void | Promise<void>;
  /** Before deliveries are acknowledged. Not waited for. */
  beforeAck?(key: AgentKey): void;
}

/** Turns a guarantee off, so that a demonstration can show that its proof sees the difference. Never in production. */
export interface Sabotage {
  /** The record forgets which message IDs it has processed. */
  readonly dedupe?: boolean;
  /** Commits overwrite whatever is there, and a node acts although its lease has run out. */
  readonly cas?: boolean;
}

/** Where a placement node says what an operator should read. */
export interface NodeLog {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** A fired message lives so long in the timers stream, in milliseconds: fires would otherwise stay for ever, and the inbox may be full for hours. */
export const FIRE_TTL_MS: number = 24 * 60 * 60 * 1000;

/** The inbox that an agent's messages stand in. */
export function inboxOf(context: Pick<NodeContext, 'layout' | 'ports'>, key: AgentKey): EventLog {
  return context.ports.inboxes[context.layout.shardOf(context.layout.partitionOf(key))] as EventLog;
}

/** The stream of an agent's timers. */
export function timersOf(context: NodeContext, key: AgentKey): EventLog {
  return context.ports.timers[context.layout.shardOf(context.layout.partitionOf(key))] as EventLog;
}

export function incarnationOf(context: NodeContext, key: AgentKey): string {
  return context.incarnations[context.layout.shardOf(context.layout.partitionOf(key))] as string;
}

export function definitionOf(context: NodeContext, key: AgentKey): AnyAgentDefinition | undefined {
  const { type } = splitKey(key);
  return isTypeAgent(key) ? context.typeAgents.get(type) : context.definitions.get(type);
}
