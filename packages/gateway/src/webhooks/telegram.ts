/**
 * Telegram: the secret token that was given to `setWebhook`, in a header of each update.
 *
 * Updates are recognized by their number as a set: after a quiet week it is drawn anew, so no higher one counts.
 */
import { isAny } from './signatures.ts';
import type { Scheme } from './webhook.ts';

export function telegram(): Scheme {
  return {
    channel: 'telegram',
    fault: (incoming, { secrets }) =>
      isAny([incoming.header('x-telegram-bot-api-secret-token')], secrets) ? undefined : 'its secret token is wrong',
    read: (incoming) => [{ id: incoming.idField('update_id'), body: incoming.body }],
    accepted: () => new Response(null, { status: 200 }),
  };
}
