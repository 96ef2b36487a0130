/**
 * Names of spans, attributes and metrics: part of the interface, held to `observability/` by tests.
 */

/** Span names. IDs never stand in a name. */
export const span = {
  send: 'send agent',
  call: 'call agent',
  wake: 'wake agent',
  hydrate: 'hydrate agent',
  resume: 'resume agent',
  turn: 'process agent',
  retry: 'retry agent',
  commit: 'commit agent',
  relay: 'send agent message',
  sleep: 'sleep agent',
  deadLetter: 'dead-letter agent',
  effect: 'run agent effect',
  effectCommit: 'commit agent effect',
} as const;

/** Attributes beside those of the messaging conventions. */
export const attribute = {
  agent: 'wakebus.agent',
  agentType: 'wakebus.agent.type',
  cause: 'wakebus.cause',
  epoch: 'wakebus.epoch',
  revision: 'wakebus.revision',
  attempt: 'wakebus.attempt',
  events: 'wakebus.events',
  sizeBytes: 'wakebus.record.size',
  outcome: 'wakebus.outcome',
  code: 'wakebus.error.code',
  effect: 'wakebus.effect',
  system: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.template',
  messageId: 'messaging.message.id',
} as const;

/** Metric names. */
export const metric = {
  sleepRate: 'wakebus.sleep_rate',
  wakeRate: 'wakebus.wake_rate',
  falseWakeRate: 'wakebus.false_wake_rate',
  resumeSuccessRate: 'wakebus.resume_success_rate',
  duplicateCommitCount: 'wakebus.duplicate_commit_count',
  retryCount: 'wakebus.retry_count',
  sessions: 'wakebus.sessions',
  turns: 'wakebus.turns',
  duplicates: 'wakebus.duplicates',
  deadLetters: 'wakebus.dead_letters',
  takeovers: 'wakebus.takeovers',
  hydrateMs: 'wakebus.hydrate_duration',
  recordBytes: 'wakebus.record_size',
  timeoutRate: 'wakebus.timeout_rate',
  unansweredCommits: 'wakebus.unanswered_commits',
  healthy: 'wakebus.healthy',
  effects: 'wakebus.effects',
  runningEffects: 'wakebus.running_effects',
  unknownEffects: 'wakebus.unknown_effects',
  waitingEffects: 'wakebus.waiting_effects',
  parkedEffects: 'wakebus.parked_effects',
  openBreakers: 'wakebus.open_breakers',
} as const;
