/**
 * What agent authors import: agents and the actions that reach the bus. Below that, the pure parts which a
 * placement node runs: the interpreter, snapshots, the turn, the lifecycle.
 */
export {
  type AgentAction,
  type Expression,
  type ExpressionArgs,
  refuse,
  reply,
  schedule,
  sendToAgent,
  sleepNow,
  unschedule,
} from './actions.ts';
export { withDefaults } from './agent-defaults.ts';
export {
  type AgentAddress,
  type AgentDefinition,
  type AgentOptions,
  type AnyAgentDefinition,
  type ContextOf,
  type EventOf,
  type InputOption,
  type Migration,
  type OutputOf,
  defineAgent,
} from './define-agent.ts';
export {
  type EffectArgs,
  type EffectOptions,
  type EffectRetry,
  type EffectSpec,
  type FileEffectArgs,
  type FileEffectOptions,
  type Lookup,
  effect,
} from './effect.ts';
export type { EventSchema, JsonSchema, JsonSchemaSource } from './event-schemas.ts';
export type { Missed, Occurrence, Overlap, Schedule } from '@wakebus/protocol';
export { type ResourceFactory, type ResourceKind, ResourcePool, type Resources, resourcesOf } from './resources.ts';
export { type DelayExpression, remaining, restart } from './delays.ts';
export type { Isolation, IsolationOptions } from './isolation.ts';
export {
  type SnapshotOccasion,
  type SnapshotOptions,
  type SnapshotRules,
  isKeptBefore,
  snapshotDue,
  snapshotOwed,
} from './snapshot-rules.ts';
export {
  type AgentRule,
  type AskingRule,
  type EventRule,
  type GateAgent,
  type GateEvent,
  type GateRule,
  type Verdict,
  type WaitingEvent,
} from './gate/gate.ts';
export { type Answers, type Question, hasDoor, judgeAtDoor } from './gate/judge.ts';
export { type AskOptions, type Schema, ask, fits, ifTaken, onlyFrom, sample } from './gate/rules.ts';
export {
  type CoalesceOptions,
  type DebounceOptions,
  type QuietHoursOptions,
  type QuotaOptions,
  type RateLimitOptions,
  coalesce,
  debounce,
  quietHours,
  quota,
  rateLimit,
} from './gate/flow-rules.ts';
export { ownName } from './family/family.ts';
export { noActor } from './step-scope.ts';
export { checkEvent, isReserved } from './event-check.ts';
export {
  type AgentSnapshot,
  type InitialStep,
  type Output,
  type Step,
  applyEvent,
  initialStep,
} from './interpreter.ts';
export {
  type LifecycleEvent,
  type LifecycleEventType,
  type Phase,
  lifecycleMachine,
  nextPhase,
  phaseTimeoutMs,
} from './lifecycle.ts';
export { answerEvent, programMachine, programStateOf } from './program/program-machine.ts';
export type { Answered } from './program/question.ts';
export type { AgentRunner, Program, ProgramAnswer, ProgramQuestion, ProgramStart } from './program/runner.ts';
export { mermaidOf } from './lifecycle-diagram.ts';
export { type StoredSnapshot, decodeSnapshot, encodeSnapshot } from './snapshot-codec.ts';
export { type GateNote, gateEvent, questionAbout } from './turn/at-gate.ts';
export type { PendingDeadLetter, PendingReply, TurnEnvironment } from './turn/draft.ts';
export { type Inbound, type MailboxMessage, type ReplyAddress, eventIn, readInbound } from './turn/inbound.ts';
export {
  type Admission,
  type EffectSchedule,
  type EffectStart,
  isDue,
  isOpen,
  isParked,
  openEffects,
  schedulesOf,
  specOf,
  startDue,
  whyNeverAgain,
} from './turn/journal.ts';
export {
  type AgentMemory,
  type BirthFacts,
  closedMemory,
  newbornMemory,
  openMemory,
  openState,
  packedMemory,
} from './turn/memory.ts';
export { setOldOutputsAside } from './turn/old-outputs.ts';
export { isPaused, pauseTimers } from './turn/paused-timers.ts';
export { type ChartNode, type ChartTransition, type StateChart, chartNodesOf, chartOf } from './state-chart.ts';
export { restoreTurn } from './turn/restore.ts';
export { isRunnable } from './turn/runnable.ts';
export { MAX_TURN_BYTES, MAX_TURN_EVENTS, type Turn, type TurnLimits, freeze, takeTurn } from './turn/take-turn.ts';
export type { WorkspaceOptions, WorkspaceSpec } from './workspace.ts';
export { type JobOutcome, type TurnJob, type TurnPlace, packJob, runJob } from './turn/turn-job.ts';
export { type TurnResult, unpackResult } from './turn/turn-result.ts';
