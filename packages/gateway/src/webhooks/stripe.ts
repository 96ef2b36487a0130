/** Stripe, and those who sign like it: `t=<time>,v1=<HMAC-SHA256 over "<time>.<body>">`. */
import { WRONG, hmac, isAny, joined, staleness } from './signatures.ts';
import type { Scheme } from './webhook.ts';

/** @param header - Where the signature stands. @default "Stripe-Signature" */
export function stripe(header: string = 'Stripe-Signature'): Scheme {
  return {
    fault: (incoming, proof) => {
      const parts = incoming
        .header(header)
        .split(',')
        .map((part) => part.trim().split('=', 2) as [string, string?]);
      const at = parts.find(([name]) => name === 't')?.[1] ?? '';
      const given = parts.flatMap(([name, value]) => (name === 'v1' && value !== undefined ? [value] : []));
      const content = joined(`${at}.`, incoming.raw);
      const right = proof.secrets.map((secret) => hmac('sha256', secret, content, 'hex'));
      return isAny(given, right) ? staleness(at, proof) : WRONG;
    },
    read: (incoming) => [{ id: incoming.idField('id'), body: incoming.body }],
  };
}
