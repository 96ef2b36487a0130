/**
 * "Waking up…" for whoever has written to an agent that is slow to wake.
 *
 * The gateway knows when an event was stored, and looks at the agent's record until it is behind the agent. It waits
 * for nothing: a delivery is acknowledged before. A notice is best effort, and bounded in number and time; a gateway
 * that dies leaves what goes by itself within seconds, of Slack's statuses within two minutes, and of GitHub a pair of eyes.
 */
import { type Channel, type ChannelAddress, type ChannelClock, type ShownNotice, showNotice } from '@wakebus/channels';

/** Wakes that take longer than this, in milliseconds, are worth a word. */
const AFTER_MS = 700;
const LOOK_MS = 500;
/** After so long, in milliseconds, it is no wake any more that is waited for. */
const MOST_MS = 120_000;
/** Events that are watched at a time; one beyond has no notice. */
const MOST_WATCHED = 500;
/** What a notice may take to go, in milliseconds, when the gateway does. */
const CLEAR_MS = 5_000;

/** What is needed of the gateway. */
export interface NoticePorts {
  readonly clock: ChannelClock;
  /** Ends with the gateway. */
  readonly signal: AbortSignal;
  readonly onFault: (error: unknown) => void;
}

/** One event that was stored, and is waited for. */
export interface Awaited {
  readonly channel: Channel;
  readonly to: ChannelAddress;
  /** Whether the agent has taken it. */
  readonly isTaken: () => Promise<boolean>;
}

export class Notices {
  readonly #ports: NoticePorts;
  #watched = 0;

  constructor(ports: NoticePorts) {
    this.#ports = ports;
  }

  /** Watches an event from now on. Returns at once, and never throws. */
  watch(event: Awaited): void {
    if (this.#watched >= MOST_WATCHED) return;
    this.#watched += 1;
    const { signal, onFault } = this.#ports;
    this.#follow(event)
      .catch((error: unknown) => {
        if (!signal.aborted) onFault(error);
      })
      .finally(() => (this.#watched -= 1));
  }

  async #follow({ channel, to, isTaken }: Awaited): Promise<void> {
    const { clock, signal } = this.#ports;
    const untilMs = clock.nowMs() + MOST_MS;
    let shown: ShownNotice | undefined;
    let againAtMs = 0;
    try {
      await clock.sleep(AFTER_MS, signal);
      while (!(await isTaken()) && clock.nowMs() < untilMs) {
        if (clock.nowMs() >= againAtMs) {
          shown = await showNotice(channel, to, signal);
          // There is nothing to do about one that goes with the answer, or that could not be shown.
          if (shown?.againMs === undefined && shown?.clear === undefined) return;
          againAtMs = clock.nowMs() + (shown.againMs ?? MOST_MS);
        }
        await clock.sleep(LOOK_MS, signal);
      }
    } finally {
      await shown?.clear?.(AbortSignal.timeout(CLEAR_MS));
    }
  }
}
