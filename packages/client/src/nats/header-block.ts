/**
 * Headers written straight into bytes. The NATS client's own header class canonicalizes and copies
 * every name, which for the four short headers of a call costs more than the rest of the publish.
 */
import type { MsgHdrs } from '@nats-io/transport-node';
import { type Headers, header } from '@wakebus/protocol';

const encoder = new TextEncoder();
const BREAKS = /[\r\n]+/g;

/** Headers and message ID as the NATS client's `publish` takes them: of its header class it calls nothing but `encode`. */
export function headerBlock(messageId: string, headers: Headers): MsgHdrs {
  let text = `NATS/1.0\r\n${header.messageId}: ${messageId.replaceAll(BREAKS, ' ')}`;
  for (const name in headers) text += `\r\n${name}: ${(headers[name] as string).replaceAll(BREAKS, ' ')}`;
  const bytes = encoder.encode(`${text}\r\n\r\n`);
  return { encode: () => bytes } as unknown as MsgHdrs;
}
