/**
 * Telegram: messages by the Bot API. It knows no keys and cannot be asked what it has sent, so a message of which
 * nobody knows stays so.
 *
 * @see https://core.telegram.org/bots/api
 */
import { CannotTell, type Channel } from '../channel.ts';
import { type ChannelClock, Pacer, systemClock } from '../pacer.ts';
import { given, optionalPlaceField, placeField, textAt, wholeAt } from '../place.ts';
import { checkText } from '../service.ts';
import { type BotAnswer, type BotSettings, callBot } from './bot-api.ts';

export interface TelegramOptions extends BotSettings {
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

const CHAT = /^(?:-?\d{1,16}|@\w{4,64})$/;
const NUMBER = /^\d{1,16}$/;

export function telegram({ clock = systemClock, ...bot }: TelegramOptions): Channel {
  const pacer = new Pacer('telegram', ACCOUNT_GAP_MS, clock);
  const call = (method: string, body: object, signal: AbortSignal): Promise<BotAnswer> =>
    callBot(bot, method, body, signal);
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
    check: async (signal) => {
      const { result } = await call('getMe', {}, signal);
      return { name: `@${textAt(result, 'username') ?? 'unnamed'}` };
    },
    find: async () => {
      throw new CannotTell('Telegram cannot be asked which messages it has sent');
    },
  };
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
