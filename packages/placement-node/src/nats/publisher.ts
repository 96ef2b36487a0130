/**
 * Publishes with acknowledgement, the way in of every event and every commit.
 */
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { WakebusError } from '@wakebus/protocol';
import type { AppendOutcome } from '../ports/event-log.ts';
import { readPubAck } from './publish-outcome.ts';
import type { ReplyHandler, RequestMux } from './request-mux.ts';

/**
 * Publishes and waits for the stream's answer, 2 s at most.
 *
 * @throws {WakebusError} `EVENT_TOO_LARGE` when neither server nor stream would ever take it.
 */
export function publishAcked(
  mux: RequestMux,
  subject: string,
  data: Uint8Array,
  headers: MsgHdrs | undefined,
): Promise<AppendOutcome> {
  return new Promise((resolve, reject) => {
    mux.send(
      subject,
      data,
      new PubAckHandler(data.length, resolve, reject),
      headers === undefined ? undefined : { headers },
    );
  });
}

class PubAckHandler implements ReplyHandler {
  readonly #sizeBytes: number;
  readonly #resolve: (outcome: AppendOutcome) => void;
  readonly #reject: (error: unknown) => void;

  constructor(sizeBytes: number, resolve: (outcome: AppendOutcome) => void, reject: (error: unknown) => void) {
    this.#sizeBytes = sizeBytes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onReply(message: Msg): boolean {
    try {
      this.#resolve(readPubAck(message.data, this.#sizeBytes));
    } catch (error) {
      this.#reject(error);
    }
    return false;
  }

  onFailure(cause: Error): void {
    if (cause.message.includes('max_payload')) {
      this.#reject(
        new WakebusError('EVENT_TOO_LARGE', { sizeBytes: this.#sizeBytes, limitBytes: this.#sizeBytes - 1 }, { cause }),
      );
    } else {
      this.#resolve({ kind: 'unknown', cause });
    }
  }
}
