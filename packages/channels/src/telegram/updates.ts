/** Updates of a bot that are fetched. Telegram gives them only while the bot has no webhook, and to one who asks. */
import { wholeAt } from '../place.ts';
import { type BotSettings, callBot } from './bot-api.ts';

/** One update: a message, a press of a button, and so on. */
export interface TelegramUpdate {
  readonly update_id: number;
}

export interface TelegramUpdatesQuery {
  /** Forgets all before this one: give it only when they are stored. @default nothing is forgotten, and the oldest come again */
  readonly from?: number;
  /** How long Telegram waits for one where there is none, in seconds. @default 0 */
  readonly waitSeconds?: number;
}

/** The oldest updates that wait, a hundred at most. @throws {WakebusError} `CHANNEL_REFUSED` with status 409 while there is a webhook, or another asks. */
export async function readTelegramUpdates(
  bot: BotSettings,
  { from, waitSeconds = 0 }: TelegramUpdatesQuery,
  signal: AbortSignal,
): Promise<readonly TelegramUpdate[]> {
  const query = { timeout: waitSeconds, ...(from !== undefined && { offset: from }) };
  const { result } = await callBot(bot, 'getUpdates', query, signal);
  return (Array.isArray(result) ? result : []).filter(isUpdate);
}

function isUpdate(value: unknown): value is TelegramUpdate {
  return wholeAt(value, 'update_id') !== undefined;
}
