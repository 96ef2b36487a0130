/**
 * Refusals by the server, by its own error numbers, where a port shows no outcome of its own for them.
 */
import type { AppendOutcome } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';

/** Error numbers of the server, as far as the ports can meet them. */
export const REFUSAL = {
  /** The message is larger than the stream takes. */
  messageTooLarge: 10_054,
  /** Replicas only: another write to this subject has been proposed and not yet applied. */
  writeInFlight: 10_164,
  /** A time to live where the stream allows none. */
  ttlDisabled: 10_166,
} as const;

/** The server's answer to what it did not do. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal';
  readonly errorCode: number;

  constructor(errorCode: number) {
    super(`the server refuses with ${errorCode}`);
    this.errorCode = errorCode;
  }
}

/** A refusal as a write's outcome: like any error number it does not say what became of earlier attempts. */
export function refused(errorCode: number): { readonly kind: 'unknown'; readonly cause: ServerRefusal } {
  return { kind: 'unknown', cause: new ServerRefusal(errorCode) };
}

/** The outcome as a port gives it. @throws {WakebusError} `EVENT_TOO_LARGE`: no repetition will help. */
export function unlessTooLarge<T extends AppendOutcome | { readonly kind: string }>(outcome: T, sizeBytes: number): T {
  const { cause } = outcome as { cause?: unknown };
  if (cause instanceof ServerRefusal && cause.errorCode === REFUSAL.messageTooLarge) throw tooLarge(sizeBytes);
  return outcome;
}

/** Larger than any message may be: the client does not even send it. @throws {WakebusError} `EVENT_TOO_LARGE`. */
export function checkPayload(sizeBytes: number, limitBytes: number): void {
  if (sizeBytes > limitBytes) throw tooLarge(sizeBytes);
}

function tooLarge(sizeBytes: number): WakebusError {
  return new WakebusError('EVENT_TOO_LARGE', { sizeBytes, limitBytes: sizeBytes - 1 });
}
