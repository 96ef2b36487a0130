/** A clock that jumps: whoever sleeps is there at once. Right for one sender after the other. */
import type { ChannelClock } from '@wakebus/channels';

export class TestClock implements ChannelClock {
  now = Date.parse('2026-11-21T12:00:00Z');
  readonly slept: number[] = [];

  nowMs(): number {
    return this.now;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept.push(ms);
    this.now += ms;
  }
}
