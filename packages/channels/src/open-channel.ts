/** A channel by its kind and the settings that all of them have, as configuration files hold them. */
import { WakebusError } from '@wakebus/protocol';
import type { ChannelKind } from './address.ts';
import type { Channel, Secret } from './channel.ts';
import { discord } from './discord/channel.ts';
import { github } from './github/channel.ts';
import { mattermost } from './mattermost/channel.ts';
import { slack } from './slack/channel.ts';
import { telegram } from './telegram/channel.ts';

export interface ChannelSettings {
  readonly token: Secret;
  /** Of Mattermost the server's, which it needs; of others where their interface is. @default the service's own */
  readonly url?: string;
}

/** @throws {WakebusError} `INVALID_OPTION` when Mattermost has no URL. */
export function openChannel(kind: ChannelKind, { token, url }: ChannelSettings): Channel {
  if (kind === 'mattermost') {
    if (url === undefined)
      throw new WakebusError('INVALID_OPTION', { option: 'url', why: 'write where Mattermost is' });
    return mattermost({ token, url });
  }
  return makers[kind]({ token, ...(url !== undefined && { apiUrl: url }) });
}

const makers = { telegram, slack, discord, github };
