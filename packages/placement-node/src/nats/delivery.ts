/**
 * Reading a delivery: what the server writes into its reply subject, and the message itself.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Delivery } from '../ports/event-log.ts';
import { ownData, readHeaders } from './wire-message.ts';

/** Tokens before the numbers in `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>`. */
const TOKENS_BEFORE_NUMBERS = 4;
/** As above, in the longer form that starts `$JS.ACK.<domain>.<account>.<stream>.<consumer>`. */
const TOKENS_BEFORE_NUMBERS_LONG = 6;
/** Tokens of the short form; the long one has more. */
const SHORT_TOKENS = 9;
const DOT = 0x2e;
const ZERO = 0x30;

/** Added whenever the count may have started anew, so that the first number after it never follows the last one before. */
const COUNT_STEP = 2 ** 32;

/** Reads the deliveries of one consumer, in the order in which they come. */
export class DeliveryReader {
  #base = 0;
  #last = 0;

  /** From here on the numbers are not a continuation: a consumer was recreated, or deliveries may have been lost. */
  breakCount(): void {
    this.#base += COUNT_STEP;
    this.#last = 0;
  }

  /**
   * A delivery as the log's users see it.
   *
   * A number that falls shows that another process has reset the consumer. One that by chance goes on
   * just where this process had stopped would not; nobody but a spare node under backlog could meet that.
   */
  read(message: Msg): Delivery {
    const ackToken = message.reply as string;
    const { deliverySeq, deliveries, seq, storedMs } = readAckNumbers(ackToken);
    if (deliverySeq <= this.#last) this.breakCount();
    this.#last = deliverySeq;
    return {
      seq,
      subject: message.subject,
      headers: readHeaders(message).headers,
      data: ownData(message),
      storedMs,
      deliverySeq: this.#base + deliverySeq,
      deliveries,
      ackToken,
    };
  }
}

/** The numbers of an acknowledgement subject. */
export interface AckNumbers {
  readonly deliveries: number;
  readonly seq: number;
  readonly deliverySeq: number;
  readonly storedMs: number;
  /** Messages that wait behind this one. */
  readonly pending: number;
}

/** Reads the numbers of an acknowledgement subject, character by character: this runs for every delivery. */
export function readAckNumbers(ackSubject: string): AckNumbers {
  const numbers = [0, 0, 0, 0, 0];
  let token = 0;
  let at = 0;
  const first = countTokens(ackSubject) === SHORT_TOKENS ? TOKENS_BEFORE_NUMBERS : TOKENS_BEFORE_NUMBERS_LONG;
  for (; token < first; token += 1) at = ackSubject.indexOf('.', at) + 1;
  for (let i = 0; at < ackSubject.length && i < numbers.length; at += 1) {
    const code = ackSubject.charCodeAt(at);
    if (code === DOT) i += 1;
    else numbers[i] = (numbers[i] as number) * 10 + code - ZERO;
  }
  const [deliveries, seq, deliverySeq, storedNs, pending] = numbers as [number, number, number, number, number];
  return { deliveries, seq, deliverySeq, storedMs: Math.floor(storedNs / 1_000_000), pending };
}

function countTokens(subject: string): number {
  let count = 1;
  for (let at = subject.indexOf('.'); at >= 0; at = subject.indexOf('.', at + 1)) count += 1;
  return count;
}
