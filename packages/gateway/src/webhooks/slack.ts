/** Slack: events, slash commands and interactions. HMAC-SHA256 over `v0:<time>:<body>`. */
import { json } from '../json-response.ts';
import type { IncomingDelivery } from './incoming.ts';
import { WRONG, hmac, isAny, joined, staleness } from './signatures.ts';
import type { Scheme } from './webhook.ts';

export function slack(): Scheme {
  return {
    channel: 'slack',
    fault: (incoming, proof) => {
      const at = incoming.header('x-slack-request-timestamp');
      const content = joined(`v0:${at}:`, incoming.raw);
      const right = proof.secrets.map((secret) => `v0=${hmac('sha256', secret, content, 'hex')}`);
      return isAny([incoming.header('x-slack-signature')], right) ? staleness(at, proof) : WRONG;
    },
    greeting: (incoming) => {
      if (incoming.field('type') !== 'url_verification') return undefined;
      return json({ challenge: incoming.field('challenge') });
    },
    read: (incoming) => [{ id: idOf(incoming), body: incoming.bodyWithout('token') }],
    // Anything else would be shown to whoever gave a slash command.
    accepted: () => new Response(null, { status: 200 }),
  };
}

function idOf(incoming: IncomingDelivery): string {
  return incoming.field('event_id') === undefined ? incoming.idField('trigger_id') : incoming.idField('event_id');
}
