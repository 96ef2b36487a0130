/**
 * GitHub: HMAC-SHA256 over the body. Neither the time nor the delivery's ID is signed: whoever has caught a
 * delivery can send it again under another ID, so keep TLS.
 */
import { WRONG, hmac, isAny } from './signatures.ts';
import type { Scheme } from './webhook.ts';

export function github(): Scheme {
  return {
    channel: 'github',
    fault: ({ raw, headers }, { secrets }) => {
      const right = secrets.map((secret) => `sha256=${hmac('sha256', secret, raw, 'hex')}`);
      return isAny([headers.get('x-hub-signature-256') ?? ''], right) ? undefined : WRONG;
    },
    greeting: (incoming) =>
      incoming.header('x-github-event') === 'ping' ? new Response('pong', { status: 200 }) : undefined,
    read: (incoming) => [{ id: incoming.idHeader('X-GitHub-Delivery'), body: incoming.body }],
  };
}
