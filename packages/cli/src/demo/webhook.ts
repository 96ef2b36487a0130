/**
 * GitHub's webhook at the demo's gateway: whose deliveries it takes, and what becomes of them.
 */
import { type Webhook, github } from '@wakebus/gateway';
import { type Payload, subjectOf } from './deliveries.ts';

/** Its name at the gateway. */
const NAME = 'github';

/** Where GitHub sends to, below a gateway's URL. */
export const HOOK_PATH: string = `/hooks/${NAME}`;

/** The ID that a delivery has on the bus. */
export function messageIdOf(delivery: { readonly id: string }): string {
  return `${NAME}:${delivery.id}`;
}

/** The gateway's webhooks. */
export function demoWebhooks(secret: string): Readonly<Record<string, Webhook>> {
  // Among the recorded deliveries are pings. Here they are events like all others.
  const scheme: Webhook['scheme'] = { ...github(), greeting: () => undefined };
  return { [NAME]: { scheme, secrets: [secret], map: toEvent } };
}

const toEvent: Extract<Webhook['map'], (...args: never) => unknown> = ({ id, body, headers }) => {
  const payload = body as Payload;
  const { agentType, agentId, event } = subjectOf(headers.get('x-github-event') ?? '', payload);
  return { agent: `${agentType}/${agentId}`, event, data: { ...payload, delivery: id } };
};
