/** The webhook of a bot: where Telegram brings its updates. A bot has one; while it has, `getUpdates` answers nobody. */
import { given, textAt, wholeAt } from '../place.ts';
import { type BotSettings, callBot } from './bot-api.ts';

export interface TelegramWebhook {
  /** Empty when there is none. */
  readonly url: string;
  /** Updates that wait. */
  readonly pending: number;
  /** Why the last delivery failed, if one did. */
  readonly lastError?: string;
}

export async function readTelegramWebhook(bot: BotSettings, signal: AbortSignal): Promise<TelegramWebhook> {
  const { result } = await callBot(bot, 'getWebhookInfo', {}, signal);
  return {
    url: textAt(result, 'url') ?? '',
    pending: wholeAt(result, 'pending_update_count') ?? 0,
    ...given({ lastError: textAt(result, 'last_error_message') }),
  };
}

/**
 * Has updates brought to a URL. Those that wait are brought, too.
 *
 * @param secretToken - What comes in `X-Telegram-Bot-Api-Secret-Token`.
 */
export async function setTelegramWebhook(
  bot: BotSettings,
  url: string,
  secretToken: string,
  signal: AbortSignal,
): Promise<void> {
  await callBot(bot, 'setWebhook', { url, secret_token: secretToken }, signal);
}

/** Ends it. Updates that wait go on waiting. */
export async function removeTelegramWebhook(bot: BotSettings, signal: AbortSignal): Promise<void> {
  await callBot(bot, 'deleteWebhook', { drop_pending_updates: false }, signal);
}
