/** Where updates of Telegram are answered: in their chat and topic, as a reply to the message. */
import { fieldOf, given, textAt, wholeAt } from '../place.ts';
import type { DeliveryFacts, FoundAddress } from '../reply-address.ts';

/** What an update is about, in the order in which they are looked for. */
const MESSAGES = ['message', 'edited_message', 'channel_post', 'edited_channel_post'] as const;

export function telegramAddress({ body }: DeliveryFacts): FoundAddress | undefined {
  const found = MESSAGES.map((name) => fieldOf(body, name)).find((message) => message !== undefined);
  const message = found ?? fieldOf(body, 'callback_query', 'message');
  const chatId = wholeAt(message, 'chat', 'id');
  if (chatId === undefined) return undefined;
  const data = given({
    chatId,
    messageId: wholeAt(message, 'message_id'),
    // Only of topics: in other chats it names a thread of replies, which takes no messages.
    threadId: fieldOf(message, 'is_topic_message') === true ? wholeAt(message, 'message_thread_id') : undefined,
    isPrivate: textAt(message, 'chat', 'type') === 'private' ? true : undefined,
  });
  return { kind: 'telegram', data };
}
