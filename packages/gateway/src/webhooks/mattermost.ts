/** Mattermost: outgoing webhooks and slash commands, with the token that Mattermost drew for them. */
import { json } from '../json-response.ts';
import type { IncomingDelivery } from './incoming.ts';
import { isAny } from './signatures.ts';
import type { Scheme } from './webhook.ts';

export function mattermost(): Scheme {
  return {
    channel: 'mattermost',
    fault: (incoming, { secrets }) => (isAny([tokenOf(incoming)], secrets) ? undefined : 'its token is wrong'),
    read: (incoming) => {
      const name = incoming.field('post_id') === undefined ? 'trigger_id' : 'post_id';
      return [{ id: incoming.idField(name), body: incoming.bodyWithout('token') }];
    },
    accepted: () => json({}),
  };
}

/** In a header for slash commands, in the body for webhooks. */
function tokenOf(incoming: IncomingDelivery): string {
  const [, inHeader] = /^Token (.+)$/i.exec(incoming.header('authorization')) ?? [];
  const inBody = incoming.field('token');
  return inHeader ?? (typeof inBody === 'string' ? inBody : '');
}
