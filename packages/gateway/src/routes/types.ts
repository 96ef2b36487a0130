/** What operators ask of an agent type as a whole: that no agent of it runs, or that they run again. */
import type { Grant } from '../access.ts';
import type { Call, GatewayContext } from '../gateway-context.ts';
import { json } from '../json-response.ts';
import { allowTypeAction, reasonedOptions } from '../operator.ts';

const DONE = 204;

/** `POST /types/:type/disable`, with `{reason?}`. Also of a type that no placement node has started yet. */
export async function disableType(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const type = call.req.param('type') ?? '';
  allowTypeAction(context, grant, 'disable', type);
  await context.client.types.disable(type, await reasonedOptions(context, call, grant));
  return new Response(null, { status: DONE });
}

/** `POST /types/:type/enable`, with `{reason?}`; answers whether it was disabled. */
export async function enableType(context: GatewayContext, call: Call, grant: Grant): Promise<Response> {
  const type = call.req.param('type') ?? '';
  allowTypeAction(context, grant, 'enable', type);
  const wasDisabled = await context.client.types.enable(type, await reasonedOptions(context, call, grant));
  return json({ wasDisabled });
}
