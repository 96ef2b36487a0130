/** The webhook of a bot: where Telegram brings its updates. A bot has one; while it has, `getUpdates` answers nobody. */
import { fieldOf, given, textAt, wholeAt } from '../place.ts';
import { type BotSettings, callBot } from './bot-api.ts';

export interface TelegramWebhook {
  /** Empty when there is none. */
  readonly url: string;
  /** Updates that wait. */
  readonly pending: number;
  /** Why the last delivery failed, if one did. */
  readonly lastError?: string;
  /** It has a certificate of its own, which nobody can read back. */
  readonly hasCertificate: boolean;
  readonly settings: TelegramWebhookSettings;
}

/** What else was said of a webhook, in Telegram's words. It is forgotten with the webhook. */
export interface TelegramWebhookSettings {
  readonly max_connections?: number;
  readonly ip_address?: string;
  readonly allowed_updates?: unknown;
}

export async function readTelegramWebhook(bot: BotSettings, signal: AbortSignal): Promise<TelegramWebhook> {
  const { result } = await callBot(bot, 'getWebhookInfo', {}, signal);
  return {
    url: textAt(result, 'url') ?? '',
    pending: wholeAt(result, 'pending_update_count') ?? 0,
    ...given({ lastError: textAt(result, 'last_error_message') }),
    hasCertificate: fieldOf(result, 'has_custom_certificate') === true,
    settings: given({
      max_connections: wholeAt(result, 'max_connections'),
      ip_address: textAt(result, 'ip_address'),
      allowed_updates: fieldOf(result, 'allowed_updates'),
    }),
  };
}

/**
 * Has updates brought to a URL. Those that wait are brought, too.
 *
 * @param secretToken - What comes in `X-Telegram-Bot-Api-Secret-Token`.
 * @param settings - As {@link readTelegramWebhook} has found them. @default Telegram's own
 */
export async function setTelegramWebhook(
  bot: BotSettings,
  url: string,
  secretToken: string,
  signal: AbortSignal,
  settings: TelegramWebhookSettings = {},
): Promise<void> {
  await callBot(bot, 'setWebhook', { ...settings, url, secret_token: secretToken }, signal);
}

/** Ends it. Updates that wait go on waiting. */
export async function removeTelegramWebhook(bot: BotSettings, signal: AbortSignal): Promise<void> {
  await callBot(bot, 'deleteWebhook', { drop_pending_updates: false }, signal);
}
