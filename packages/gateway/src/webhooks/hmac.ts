/** Any other sender that signs by an HMAC over its body, perhaps with the time in front of it. */
import { WakebusError } from '@wakebus/protocol';
import type { IncomingDelivery } from './incoming.ts';
import { pointTo } from './pointer.ts';
import { WRONG, hmac as codeOf, isAny, joined, staleness } from './signatures.ts';
import type { Scheme } from './webhook.ts';

/** How it signs. */
export interface HmacOptions {
  /** Header of the signature. */
  readonly header: string;
  /** @default "sha256" */
  readonly algorithm?: 'sha1' | 'sha256' | 'sha512';
  /** @default "hex" */
  readonly encoding?: 'hex' | 'base64';
  /** What stands before the signature, as `sha256=`. @default nothing */
  readonly prefix?: string;
  /** Header of the time in seconds, which is signed as `<time>.<body>`. Without one, nothing tells an old delivery from a new one but its ID. */
  readonly timestampHeader?: string;
  /** Where the sender's ID of a delivery is: a header, or a JSON pointer into the body. */
  readonly id: { readonly header: string } | { readonly pointer: string };
}

export function hmac(options: HmacOptions): Scheme {
  const { header, algorithm = 'sha256', encoding = 'hex', prefix = '', timestampHeader } = options;
  return {
    fault: (incoming, proof) => {
      const at = timestampHeader === undefined ? undefined : incoming.header(timestampHeader);
      const content = at === undefined ? incoming.raw : joined(`${at}.`, incoming.raw);
      const right = proof.secrets.map((secret) => prefix + codeOf(algorithm, secret, content, encoding));
      if (!isAny([incoming.header(header)], right)) return WRONG;
      return at === undefined ? undefined : staleness(at, proof);
    },
    read: (incoming) => [{ id: idOf(incoming, options.id), body: incoming.body }],
  };
}

function idOf(incoming: IncomingDelivery, where: HmacOptions['id']): string {
  const id = 'header' in where ? incoming.header(where.header) : pointTo(incoming.body, where.pointer);
  if ((typeof id === 'string' && id !== '') || typeof id === 'number') return String(id);
  throw new WakebusError('INVALID_PAYLOAD', { why: 'the delivery has no ID where its webhook looks for one' });
}
