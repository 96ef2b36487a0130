/** The methods of Telegram's Bot API. A token is part of the URL, so none of these shows one. */
import { Busy, type Secret } from '../channel.ts';
import { fieldOf, textAt, wholeAt } from '../place.ts';
import { callService, readSecret, refused, waitMsOf } from '../service.ts';

const TOO_MANY = 429;

export interface BotSettings {
  /** The bot's token, as BotFather gave it. */
  readonly token: Secret;
  /** @default "https://api.telegram.org" – another for a Bot API server of one's own */
  readonly apiUrl?: string;
}

export interface BotAnswer {
  readonly result?: unknown;
  /** The group that was asked for has become a supergroup, with this ID. */
  readonly movedTo?: number;
}

/** Calls a method. @throws {Busy}, {MaybeSent}; {WakebusError} `CHANNEL_REFUSED`, `UNAVAILABLE`. */
export async function callBot(
  { token, apiUrl = 'https://api.telegram.org' }: BotSettings,
  method: string,
  body: object,
  signal: AbortSignal,
): Promise<BotAnswer> {
  const url = `${apiUrl}/bot${await readSecret('telegram', token)}/${method}`;
  const answer = await callService('telegram', { method: 'POST', url, body }, signal);
  return readAnswer(answer.status, answer.body);
}

function readAnswer(status: number, body: unknown): BotAnswer {
  if (fieldOf(body, 'ok') === true) return { result: fieldOf(body, 'result') };
  // What one chat has too much of, another may still take; a bot that floods is told so for each chat.
  if (status === TOO_MANY) throw new Busy(waitMsOf(fieldOf(body, 'parameters', 'retry_after')), false);
  const movedTo = wholeAt(body, 'parameters', 'migrate_to_chat_id');
  if (movedTo !== undefined) return { movedTo };
  throw refused('telegram', status, textAt(body, 'description'));
}
