/**
 * Telegram: messages by the Bot API. It knows no keys and cannot be asked what it has sent, so a message of which
 * nobody knows stays so.
 *
 * @see https://core.telegram.org/bots/api
 */
import { type Channel, Busy, CannotTell, type Secret } from '../channel.ts';
import { type ChannelClock, Pacer, systemClock } from '../pacer.ts';
import { fieldOf, given, optionalPlaceField, placeField, textAt, wholeAt } from '../place.ts';
import { callService, checkText, readSecret, refused, waitMsOf } from '../service.ts';

export interface TelegramOptions {
  /** The bot's token, as BotFather gave it. */
  readonly token: Secret;
  /** @default "https://api.telegram.org" – another for a Bot API server of one's own */
  readonly apiUrl?: string;
  /** @default the time of this machine */
  readonly clock?: ChannelClock;
}

const TEXT_LIMIT = 4_096;
/** Telegram takes a message a second in a chat, twenty a minute in a group, and thirty a second of a bot. */
const CHAT_GAP_MS = 1_000;
const GROUP_GAP_MS = 3_000;
const ACCOUNT_GAP_MS = 34;
/** A little less than a chat action is shown. */
const TYPING_MS = 4_500;
const TOO_MANY = 429;

const CHAT = /^(?:-?\d{1,16}|@\w{4,64})$/;
const NUMBER = /^\d{1,16}$/;

export function telegram({
  token,
  apiUrl = 'https://api.telegram.org',
  clock = systemClock,
}: TelegramOptions): Channel {
  const pacer = new Pacer('telegram', ACCOUNT_GAP_MS, clock);
  const call = async (method: string, body: object, signal: AbortSignal): Promise<TelegramAnswer> => {
    const url = `${apiUrl}/bot${await readSecret('telegram', token)}/${method}`;
    const answer = await callService('telegram', { method: 'POST', url, body }, signal);
    return readAnswer(answer.status, answer.body);
  };
  return {
    kind: 'telegram',
    textLimit: TEXT_LIMIT,
    send: async (data, { text, signal }) => {
      const { chatId, ...place } = readPlace(data);
      const message = { ...place, text: checkText('telegram', text, TEXT_LIMIT) };
      const gapMs = chatId.startsWith('-') || chatId.startsWith('@') ? GROUP_GAP_MS : CHAT_GAP_MS;
      const sent = await pacer.send(chatId, gapMs, signal, async () => {
        const answer = await call('sendMessage', { chat_id: asId(chatId), ...message }, signal);
        // A group that has become a supergroup has another ID, under which its old messages are not known.
        if (answer.movedTo === undefined) return answer.result;
        const moved = { chat_id: answer.movedTo, text: message.text };
        return (await call('sendMessage', moved, signal)).result;
      });
      return given({ messageId: wholeAt(sent, 'message_id')?.toString() });
    },
    // Shown for five seconds, or until the message.
    notify: async (data, signal) => {
      const { chatId, message_thread_id: threadId } = readPlace(data);
      const body = given({ chat_id: asId(chatId), message_thread_id: threadId, action: 'typing' });
      await call('sendChatAction', body, signal);
      return { againMs: TYPING_MS };
    },
    find: async () => {
      throw new CannotTell('Telegram cannot be asked which messages it has sent');
    },
  };
}

interface TelegramAnswer {
  readonly result?: unknown;
  readonly movedTo?: number;
}

/** @throws {Busy}; {WakebusError} `CHANNEL_REFUSED`. */
function readAnswer(status: number, body: unknown): TelegramAnswer {
  if (fieldOf(body, 'ok') === true) return { result: fieldOf(body, 'result') };
  // What one chat has too much of, another may still take; a bot that floods is told so for each chat.
  if (status === TOO_MANY) throw new Busy(waitMsOf(fieldOf(body, 'parameters', 'retry_after')), false);
  const movedTo = wholeAt(body, 'parameters', 'migrate_to_chat_id');
  if (movedTo !== undefined) return { movedTo };
  throw refused('telegram', status, textAt(body, 'description'));
}

function readPlace(data: unknown): { readonly chatId: string; readonly [field: string]: unknown } {
  const chatId = placeField('telegram', data, 'chatId', CHAT);
  const messageId = optionalPlaceField('telegram', data, 'messageId', NUMBER);
  const threadId = optionalPlaceField('telegram', data, 'threadId', NUMBER);
  return {
    chatId,
    ...(threadId !== undefined && { message_thread_id: Number(threadId) }),
    // A message that was deleted meanwhile is no reason not to answer.
    ...(messageId !== undefined && {
      reply_parameters: { message_id: Number(messageId), allow_sending_without_reply: true },
    }),
  };
}

function asId(chatId: string): number | string {
  return chatId.startsWith('@') ? chatId : Number(chatId);
}
