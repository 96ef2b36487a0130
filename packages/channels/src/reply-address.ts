/** The address to answer a delivery at, by the kind of its webhook. What has none is answered nowhere. */
import type { ChannelAddress, ChannelKind } from './address.ts';
import { discordAddress } from './discord/address.ts';
import { githubAddress } from './github/address.ts';
import { mattermostAddress } from './mattermost/address.ts';
import { slackAddress } from './slack/address.ts';
import { telegramAddress } from './telegram/address.ts';

/** A delivery whose sender is believed. */
export interface DeliveryFacts {
  readonly body: unknown;
  /** A header, or nothing. */
  readonly header: (name: string) => string;
  /** When it came, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** An address that has no channel's name yet. */
export interface FoundAddress extends Omit<ChannelAddress, 'channel' | 'fallback'> {
  readonly fallback?: FoundAddress;
}

const finders: Readonly<Record<ChannelKind, (delivery: DeliveryFacts) => FoundAddress | undefined>> = {
  telegram: telegramAddress,
  slack: slackAddress,
  discord: discordAddress,
  mattermost: mattermostAddress,
  github: githubAddress,
};

/**
 * The address to answer a delivery at.
 *
 * @param channel - The webhook's name.
 * @returns `undefined` when there is nothing to answer, or it comes from a bot: two of them would never end.
 */
export function replyAddressOf(
  kind: ChannelKind,
  channel: string,
  delivery: DeliveryFacts,
): ChannelAddress | undefined {
  const found = finders[kind](delivery);
  return found && named(found, channel);
}

function named({ fallback, ...address }: FoundAddress, channel: string): ChannelAddress {
  return { ...address, channel, ...(fallback !== undefined && { fallback: named(fallback, channel) }) };
}
