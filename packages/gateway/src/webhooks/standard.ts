/** Standard Webhooks: an ID, a time and HMAC-SHA256 over both and the body. @see https://www.standardwebhooks.com */
import { WRONG, hmac, isAny, joined, staleness } from './signatures.ts';
import type { Scheme } from './webhook.ts';

const PREFIX = 'whsec_';

/** Secrets as senders show them: `whsec_` and base64. */
export function standardWebhooks(): Scheme {
  return {
    fault: (incoming, proof) => {
      const [id, at] = [incoming.header('webhook-id'), incoming.header('webhook-timestamp')];
      const given = incoming
        .header('webhook-signature')
        .split(' ')
        .filter((part) => part.startsWith('v1,'))
        .map((part) => part.slice('v1,'.length));
      const content = joined(`${id}.${at}.`, incoming.raw);
      const right = proof.secrets.map((secret) => hmac('sha256', standardKey(secret), content, 'base64'));
      if (id === '' || !isAny(given, right)) return WRONG;
      return staleness(at, proof);
    },
    read: (incoming) => [{ id: incoming.idHeader('webhook-id'), body: incoming.body }],
  };
}

/** The bytes of a secret. */
export function standardKey(secret: string): Uint8Array {
  return Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, 'base64');
}
