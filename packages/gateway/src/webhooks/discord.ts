/**
 * Discord: interactions and webhook events, signed by Ed25519 over time and body. The secrets are public keys.
 *
 * An interaction is answered that its answer comes later, which gives fifteen minutes. Discord probes with wrong
 * signatures and wants 401.
 */
import { type KeyObject, createPublicKey, verify } from 'node:crypto';
import { json } from '../json-response.ts';
import type { IncomingDelivery } from './incoming.ts';
import { WRONG, fingerprint, joined, staleness } from './signatures.ts';
import type { Scheme } from './webhook.ts';

/** An Ed25519 key without its envelope has 32 bytes; this is the envelope. */
const ENVELOPE = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE = /^[0-9a-f]{128}$/i;
const PUBLIC_KEY = /^[0-9a-f]{64}$/i;

const interaction = { ping: 1, component: 3, autocomplete: 4 } as const;
const answer = { pong: 1, laterMessage: 5, laterUpdate: 6, choices: 8 } as const;
/** Webhook events count otherwise: 0 greets, 1 is an event. */
const WEBHOOK_PING = 0;
const NO_CONTENT = 204;

export function discord(): Scheme {
  const keys = new Map<string, KeyObject>();
  const keyOf = (hex: string): KeyObject => {
    const key = keys.get(hex) ?? publicKey(hex);
    keys.set(hex, key);
    return key;
  };
  return {
    channel: 'discord',
    fault: (incoming, proof) => {
      const [given, at] = [incoming.header('x-signature-ed25519'), incoming.header('x-signature-timestamp')];
      if (!SIGNATURE.test(given)) return WRONG;
      const content = joined(at, incoming.raw);
      const signature = Buffer.from(given, 'hex');
      const isRight = proof.secrets.some(
        (secret) => PUBLIC_KEY.test(secret) && verify(null, content, keyOf(secret), signature),
      );
      return isRight ? staleness(at, proof) : WRONG;
    },
    greeting: (incoming) => {
      const type = incoming.field('type');
      if (type === WEBHOOK_PING) return new Response(null, { status: NO_CONTENT });
      return type === interaction.ping && !isWebhookEvent(incoming) ? json({ type: answer.pong }) : undefined;
    },
    read: (incoming) => {
      const id = isWebhookEvent(incoming) ? fingerprint(incoming.raw) : incoming.idField('id');
      return [{ id, body: incoming.body }];
    },
    accepted: (incoming) => {
      if (isWebhookEvent(incoming)) return new Response(null, { status: NO_CONTENT });
      const type = incoming.field('type');
      if (type === interaction.autocomplete) return json({ type: answer.choices, data: { choices: [] } });
      return json({ type: type === interaction.component ? answer.laterUpdate : answer.laterMessage });
    },
  };
}

function isWebhookEvent(incoming: IncomingDelivery): boolean {
  return incoming.field('event') !== undefined;
}

function publicKey(hex: string): KeyObject {
  return createPublicKey({ key: Buffer.concat([ENVELOPE, Buffer.from(hex, 'hex')]), format: 'der', type: 'spki' });
}
