/** A request's body as the fields of an object, for what operators ask. */
import { WakebusError } from '@wakebus/protocol';
import type { Call, GatewayContext } from './gateway-context.ts';
import { readPayload } from './read-event.ts';

/** The fields; none when there is no body. @throws {WakebusError} `INVALID_PAYLOAD` and others of {@link GatewayContext.bodyOf} and {@link readPayload}. */
export async function readFields(context: GatewayContext, call: Call): Promise<Readonly<Record<string, unknown>>> {
  const value = readPayload(await context.bodyOf(call), call.req.header('content-type') ?? null);
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WakebusError('INVALID_PAYLOAD', { why: 'it is not an object' });
}

/** Why an operator acts, as the client takes it. @throws {WakebusError} `INVALID_OPTION`. */
export function reasonIn({ reason }: Readonly<Record<string, unknown>>): { readonly reason?: string } {
  if (reason === undefined) return {};
  if (typeof reason === 'string') return { reason };
  throw invalid('reason', 'write text');
}

export function invalid(option: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option, why });
}
