/**
 * What operators do over HTTP: allowed by their token, and in the audit under its ID, also where it is refused.
 */
import type { ControlOptions } from '@wakebus/client';
import { type AgentKey, type AuditAction, addressOf, isWakebusError } from '@wakebus/protocol';
import { type Grant, allowAgent, allowPattern, callerName } from './access.ts';
import type { Call, GatewayContext } from './gateway-context.ts';
import { readFields, reasonIn } from './read-fields.ts';
import { readSending } from './request-headers.ts';

/** Lets an action pass. @throws {WakebusError} `FORBIDDEN`, which is then in the audit. */
export function allowAction(context: GatewayContext, grant: Grant, action: AuditAction, key: AgentKey): void {
  try {
    allowAgent(grant, 'control', key);
  } catch (error) {
    context.noteRefusal(grant, action, addressOf(key));
    throw error;
  }
}

/** Lets an action on a whole agent type pass. @throws as {@link allowAction}. */
export function allowTypeAction(context: GatewayContext, grant: Grant, action: AuditAction, type: string): void {
  try {
    allowPattern(grant, 'control', `${type}/*`);
  } catch (error) {
    if (isWakebusError(error, 'FORBIDDEN')) context.noteRefusal(grant, action, type);
    throw error;
  }
}

/** What the client is told of an action: who acts, under which ID, and for how long it may take. */
export function actionOptions({ limits }: GatewayContext, call: Call, grant: Grant): ControlOptions {
  const { id } = readSending(call.req.raw.headers);
  return { deadlineMs: limits.waitMs, by: callerName(grant), ...(id !== undefined && { id }) };
}

/** The same, with the `{reason?}` of the request's body. @throws {WakebusError} as {@link readFields}; `INVALID_OPTION`. */
export async function reasonedOptions(context: GatewayContext, call: Call, grant: Grant): Promise<ControlOptions> {
  return { ...actionOptions(context, call, grant), ...reasonIn(await readFields(context, call)) };
}
