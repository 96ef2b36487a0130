/**
 * First in, first out between each two agents: what one sent to the other arrives whole and in order.
 */
import type { Violation } from './run-history.ts';

/** What one agent got of another, by the sender's own numbers from 1, in the order in which it was processed. */
export interface PairTraffic {
  readonly from: string;
  readonly to: string;
  readonly received: readonly number[];
  /** How many the sender says that it sent. */
  readonly sent: number;
}

/** The received numbers are 1, 2, 3 … up to what was sent. */
export function checkPairs(traffic: readonly PairTraffic[]): Violation[] {
  return traffic.flatMap(({ from, to, received, sent }) => {
    const wrong = received.findIndex((number, i) => number !== i + 1);
    if (wrong >= 0) return [`${from} → ${to}: message ${received[wrong]} came where ${wrong + 1} was due`];
    return received.length === sent
      ? []
      : [`${from} → ${to}: ${sent} messages were sent and ${received.length} arrived`];
  });
}
