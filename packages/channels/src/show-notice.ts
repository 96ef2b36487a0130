/** "Waking up…" at an address: at the first place of it that the channel has a means for. */
import { type ChannelAddress, chainOf } from './address.ts';
import type { Channel, ShownNotice } from './channel.ts';

/**
 * Shows it.
 *
 * @returns `undefined` when there is nothing to show it by.
 * @throws what the channel does. Nobody depends on a notice: let it be.
 */
export async function showNotice(
  channel: Channel,
  address: ChannelAddress,
  signal: AbortSignal,
): Promise<ShownNotice | undefined> {
  for (const { kind, data } of chainOf(address)) {
    const shown = kind === channel.kind ? await channel.notify(data, signal) : undefined;
    if (shown !== undefined) return shown;
  }
  return undefined;
}
