/**
 * The words that every Wakebus package shares: addresses, subjects, headers, envelopes, the record,
 * errors, and the names of spans and metrics. Runs in browsers.
 */
export {
  type Address,
  type AgentKey,
  MAX_TOKEN_BYTES,
  STRAY_KEY,
  addressOf,
  agentKey,
  checkAgentType,
  decodeEventName,
  decodeToken,
  encodeEventName,
  encodeToken,
  isCanonicalKey,
  isTypeAgent,
  parseAddress,
  partitionOf,
  splitKey,
  typeAgentKey,
} from './address.ts';
export type { AuditAction, AuditEntry, TriggerAction } from './audit-entry.ts';
export {
  JSON_TYPE,
  MAX_DEPTH,
  MAX_NODES,
  MSGPACK,
  decode,
  decodePayload,
  encode,
  encodeLarge,
  encodeEvent,
  encodeToSend,
  encodedSizeBytes,
} from './codec.ts';
export {
  type AgentDefaults,
  type SleepMode,
  type AgentNumber,
  type Configuration,
  type ConfigurationName,
  agentNumbers,
  configurationNames,
  mergeDefaults,
  readConfiguration,
  readConfigurationVariables,
} from './configuration.ts';
export { type ErrorClass } from './error-spec.ts';
export {
  type ErrorCode,
  type ErrorFacts,
  WakebusError,
  errorCodes,
  errorFromJson,
  errorJson,
  isWakebusError,
} from './errors.ts';
export { type CloudEvent, cloudEventFromHeaders, readCloudEvent } from './cloud-event.ts';
export { eventOf } from './event-of.ts';
export { DEFAULT_DEADLINE_MS, EVENT_LIMIT_BYTES, OUTSIDE_FILL_LIMIT, isReservedEvent } from './event-limits.ts';
export { type Headers, callerMessageId, header, wireMessageId } from './headers.ts';
export { type DisabledType, readDisabledType } from './disabled-type.ts';
export { type Incident, type IncidentKind, incidentId, incidentKinds, readIncident } from './incident.ts';
export { toJson } from './json.ts';
export {
  type KeepPorts,
  type KeptSnapshot,
  type SnapshotCause,
  type SnapshotReason,
  compareSnapshotIds,
  isAutomatic,
  isSnapshotId,
  keepSnapshot,
  keptIn,
  readKeptSnapshot,
  snapshotIdIn,
  snapshotIdOf,
  snapshotKey,
  snapshotsFilter,
} from './kept-snapshot.ts';
export {
  type EffectScope,
  type InboxSubject,
  Layout,
  type LayoutOptions,
  MAX_PARTITIONS,
  type RuntimeKind,
} from './layout.ts';
export {
  type AgentEvent,
  type AgentMessage,
  type Birth,
  type ControlMessage,
  type EffectResolution,
  type EffectResult,
  HISTORY_PAYLOAD_LIMIT_BYTES,
  type HistoryEffect,
  type HistoryEntry,
  type HistoryEvent,
  type LiveEvent,
  type ParkedMessage,
  type Restoration,
  type TimerFire,
  readAgentMessage,
  readControl,
  readEffectResult,
  readEnvelope,
  readTimerFire,
} from './messages.ts';
export {
  type AgentRecord,
  type AttemptEntry,
  type EarlyMessage,
  type EffectState,
  type HeldRange,
  type JournalEntry,
  type LastTurn,
  type LifecycleName,
  type OutboxEntry,
  type ParkReason,
  type PeerEntry,
  RECORD_FORMAT,
  RECORD_LIMIT_BYTES,
  RECORD_WARN_BYTES,
  type RecordLifecycle,
  type GateState,
  type GatedEvent,
  type SessionLease,
  type TimerEntry,
  decodeRecord,
  encodeRecord,
} from './record.ts';
export { type ReplyBody, type ReplyEntry, readReply } from './reply.ts';
export { type OptionChecks, optionChecks } from './option-checks.ts';
export type { RegisteredType } from './registered-type.ts';
export { asStored, chunksOf, hasSnapshot, isInChunks } from './record-chunks.ts';
export {
  FAN_OUT_EVENT,
  type Missed,
  type Occurrence,
  type Overlap,
  type Schedule,
  type ScheduleSpec,
  type ScheduleState,
  checkScheduleId,
  specOfSchedule,
} from './schedule.ts';
export { BUCKETS_PER_HORIZON, type SeenBucket, type SeenIds, SeenIndex } from './seen-ids.ts';
export { type ServiceIdentity, answerDiscovery } from './service-discovery.ts';
export { SNAPSHOT_LIMIT_BYTES, type SnapshotChunks, namesOf, packNames } from './snapshot-chunks.ts';
export { suggestion } from './suggestion.ts';
export { attribute, metric, span } from './telemetry-names.ts';
export { type TraceContext, readTraceContext, traceHeaders, writeTraceContext } from './trace-context.ts';
export {
  MANIFEST_LIMIT_BYTES,
  type WorkspaceChange,
  type WorkspaceRef,
  isSameWorkspace,
  standsOn,
} from './workspace-ref.ts';
