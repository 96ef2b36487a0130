/**
 * Answers of agents on Telegram, Slack, Discord, Mattermost and GitHub: addresses that webhooks' events carry, and
 * effects that send to them, at the pace of each service.
 */
export { type ChannelAddress, type ChannelKind, channelKinds } from './address.ts';
export { type Channel, type ChannelMessage, type Secret, type SentMessage, type ShownNotice } from './channel.ts';
export {
  type ChannelReceipt,
  type ChannelReply,
  type ChannelReplyInput,
  type Channels,
  channelReply,
} from './channel-reply.ts';
export { type DiscordOptions, discord } from './discord/channel.ts';
export { type GithubOptions, github } from './github/channel.ts';
export { type MattermostOptions, mattermost } from './mattermost/channel.ts';
export { type ChannelSettings, openChannel } from './open-channel.ts';
export { type ChannelClock, systemClock } from './pacer.ts';
export { type DeliveryFacts, replyAddressOf } from './reply-address.ts';
export { showNotice } from './show-notice.ts';
export { type SlackOptions, slack } from './slack/channel.ts';
export { type TelegramOptions, telegram } from './telegram/channel.ts';
export type { BotSettings } from './telegram/bot-api.ts';
export { type TelegramUpdate, type TelegramUpdatesQuery, readTelegramUpdates } from './telegram/updates.ts';
export {
  type TelegramWebhook,
  type TelegramWebhookSettings,
  readTelegramWebhook,
  removeTelegramWebhook,
  setTelegramWebhook,
} from './telegram/webhook.ts';
