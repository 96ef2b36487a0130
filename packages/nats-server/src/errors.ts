/**
 * What can go wrong between "I need a NATS server" and having one.
 *
 * Each error has a stable code and a message that tells what to do. None of them is worth an immediate retry.
 */

/** Every code of a {@link NatsServerError}, with what it means. */
export const natsServerErrorCodes = {
  SERVER_NOT_FOUND: 'No nats-server is installed and none could be fetched.',
  SERVER_TOO_OLD: 'The nats-server that was named lacks features that Wakebus needs.',
  SERVER_START_FAILED: 'The nats-server process ended before it was ready.',
  SERVER_START_TIMEOUT: 'The nats-server runs, but was not ready in time.',
} as const;

/** The stable code of a {@link NatsServerError}. */
export type NatsServerErrorCode = keyof typeof natsServerErrorCodes;

/** A NATS server cannot be found or started. The message says what to do about it. */
export class NatsServerError extends Error {
  override readonly name = 'NatsServerError';
  /** Stays the same across releases; the message may not. */
  readonly code: NatsServerErrorCode;

  /**
   * @param code - The stable code.
   * @param message - What happened and what to do, for an operator.
   */
  constructor(code: NatsServerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
