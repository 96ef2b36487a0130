/**
 * Placement nodes: what runs agents.
 */
export {
  type AgentDefaults,
  type Configuration,
  type RegisteredType,
  readConfiguration,
  readConfigurationVariables,
} from '@wakebus/protocol';
export { disableAgents, disabledAgents, enableAgents } from './disabled-types.ts';
export { type DisabledEffect, disableEffects, disabledEffects, enableEffects } from './effects/disabled-effects.ts';
export type { HealthProblem, NodeHealth } from './health.ts';
export type { IncidentListener } from './incidents.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export {
  type CheckOptions,
  type ConnectOptions,
  type DeploymentLimits,
  type DeploymentOptions,
  MINIMUM_SERVER_VERSION,
  checkDeployment,
  checkServer,
  connectNats,
  createDeployment,
  natsPorts,
  readLayout,
  wantedStreams,
} from './nats/mod.ts';
export { type Misfit, type MisfitOptions, findMisfits } from './misfits.ts';
export { readSnapshot } from './objects/snapshot-chunks.ts';
export { type NodeLog, type Probes, type Sabotage } from './node-context.ts';
export { type NodeStatus, PlacementRuntime, type RuntimeOptions } from './placement-runtime.ts';
export { MAX_CHUNK_BYTES, checkChunkSize, checkedChunk, hashOf, packChunk, unpackChunk } from './objects/blob-codec.ts';
export { checkObjects } from './objects/agreement.ts';
export { type CollectOptions, type Collection, collectChunks } from './objects/collect.ts';
export { CHUNK_BYTES, cut } from './objects/cut.ts';
export { type ChunkPorts, readChunk } from './objects/snapshot-chunks.ts';
export {
  type FileEntry,
  type FilePart,
  type FolderEntry,
  type LinkEntry,
  NO_FILES,
  type WorkspaceEntry,
  type WorkspaceManifest,
  decodeManifest,
  filesOf,
  readManifest,
  writeManifest,
} from './objects/workspace-manifest.ts';
export {
  type FileFacts,
  SMALL_BYTES,
  type WorkspaceBase,
  type WorkspaceLimits,
  WorkspaceWriter,
  isSameEntry,
} from './objects/workspace-writer.ts';
export { PathCheck, whyNoPath } from './objects/workspace-paths.ts';
export { type BlobStore, type ListedChunk, REFRESH_AFTER_MS } from './ports/blob-store.ts';
export { type Clock, type ClockTimer, delay } from './ports/clock.ts';
export type {
  AppendOptions,
  AppendOutcome,
  ConsumeOptions,
  ConsumerSpec,
  Consumption,
  Delivery,
  EventLog,
  LogInfo,
  StoredMessage,
} from './ports/event-log.ts';
export type { Messenger, PlainMessage, Subscription } from './ports/messenger.ts';
export type { Ports } from './ports/ports.ts';
export type { Random } from './ports/random.ts';
export type {
  PutOptions,
  PutOutcome,
  RecordStore,
  ScanPage,
  ScannedValue,
  StoredValue,
  Watch,
} from './ports/record-store.ts';
export type { TurnRun, TurnRunner, TurnRunners } from './ports/turn-runner.ts';
export type { OpenWorkspace, WorkspaceRequest, Workspaces, WorkspacesOpener } from './ports/workspaces.ts';
export { readRegistry } from './registry.ts';
export type { TelemetryOptions } from './telemetry/tracing.ts';
export { type PlacementNode, type PlacementNodeOptions, startPlacementNode } from './start-placement-node.ts';
