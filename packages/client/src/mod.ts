/**
 * Sends to, calls, observes and inspects Wakebus agents over a NATS connection.
 */
export { AgentHandle, type LaterOptions, type SendOptions, type SendReceipt } from './agent-handle.ts';
export { type AgentMap, type AgentToken, type ContextOf, type EventOf } from './agent-types.ts';
export type { AuditOptions, AuditPage } from './audit.ts';
export { type AgentCensus, type CensusOptions, OVERDUE_AFTER_MS, type TimerCensus } from './census.ts';
export { Client, type ClientOptions, createClient } from './client.ts';
export { type CauseKind, type Chain, type ChainStep, type ExplainOptions } from './explain.ts';
export { type FollowOptions } from './follow.ts';
export { type HistoryOptions, type HistoryPage, type PastCommit } from './history.ts';
export { type ControlOptions, type OperatorOptions, type RecoverOptions } from './control.ts';
export { DeadLetters } from './dead-letters.ts';
export { type LivingNode, type PendingType, byType } from './deployment-state.ts';
export { HeldMessages } from './held-messages.ts';
export {
  type IncidentFollowOptions,
  type IncidentListOptions,
  type IncidentPage,
  Incidents,
  type PastIncident,
} from './incidents.ts';
export { type SwitchOptions } from './agent-type-switches.ts';
export { type AgentInspection, type InspectedChild, type InspectedReply } from './inspect.ts';
export { type AgentPage, type AgentSummary, type ListOptions } from './list.ts';
export { type Observation, type ObservedEvent } from './observe.ts';
export {
  type ParkedDetail,
  type ParkedForm,
  type ParkedOptions,
  type ParkedPage,
  type ParkedSummary,
} from './parked.ts';
export {
  type BucketPort,
  type BucketPage,
  type BucketValue,
  type ClientClock,
  type ClientPorts,
  type ClientTimer,
  type HistoryPort,
  type InboxPort,
  type KeptPort,
  type LogMessage,
  type LogPort,
  type PlainMessage,
  type PublishOutcome,
} from './ports.ts';
export { type ForkOptions, type RestoreOptions } from './restore.ts';
export { type AgentSchedule, Schedules } from './schedules.ts';
export type { Change } from './changes.ts';
export {
  type KeepOptions,
  type SnapshotDetail,
  type SnapshotReader,
  type SnapshotSummary,
  Snapshots,
} from './snapshots.ts';
export { type AgentTimer, Timers, type TimersOf } from './timers.ts';
export { type NextCandidate, type TaskState } from './task-state.ts';
