/**
 * What a command's exit code says. Part of the interface: scripts branch on it.
 */
import { CommanderError } from 'commander';
import { isWakebusError } from '@wakebus/protocol';

/** All exit codes. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  /** Somebody else was quicker or is there already, or an operator must look first. */
  conflict: 4,
  /** Nothing was changed; the same command may succeed later. */
  unavailable: 5,
  /** It may have happened. Repeat it under the same ID. */
  unknown: 6,
  invalid: 7,
  interrupted: 130,
} as const;

/** One of {@link exitCode}. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Thrown by a command that has said everything already. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: ExitCode;

  constructor(code: ExitCode) {
    super(`exit ${code}`);
    this.code = code;
  }
}

const byError: Readonly<Record<string, ExitCode>> = {
  AGENT_NOT_FOUND: exitCode.notFound,
  EFFECT_NOT_FOUND: exitCode.notFound,
  TOKEN_NOT_FOUND: exitCode.notFound,
  CHANNEL_UNKNOWN: exitCode.notFound,
  TIMER_NOT_FOUND: exitCode.notFound,
  SNAPSHOT_NOT_FOUND: exitCode.notFound,
  PARKED_NOT_FOUND: exitCode.notFound,
  NOT_IN_HISTORY: exitCode.notFound,
  STREAM_MISSING: exitCode.notFound,
  AGENT_COMPLETED: exitCode.conflict,
  AGENT_REMOVED: exitCode.conflict,
  POOL_CONFLICT: exitCode.conflict,
  JETSTREAM_DISABLED: exitCode.unavailable,
  INVALID_ADDRESS: exitCode.invalid,
  INVALID_EVENT: exitCode.invalid,
  INVALID_PAYLOAD: exitCode.invalid,
  INVALID_OPTION: exitCode.invalid,
  EVENT_TOO_LARGE: exitCode.invalid,
  EVENT_UNKNOWN: exitCode.invalid,
  RESERVED_EVENT: exitCode.invalid,
  VALUE_NOT_DURABLE: exitCode.invalid,
  MACHINE_UNSUPPORTED: exitCode.invalid,
};

const byClass = {
  terminal: exitCode.failed,
  retryable: exitCode.unavailable,
  unknown: exitCode.unknown,
  quarantine: exitCode.conflict,
} as const;

/** The exit code for whatever a command threw. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof Exit) return thrown.code;
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCode.ok : exitCode.usage;
  if (!isWakebusError(thrown)) return exitCode.failed;
  return byError[thrown.code] ?? byClass[thrown.next];
}
