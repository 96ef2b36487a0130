/**
 * Which of XState's actions an agent cannot have, and what to use in their place.
 */

/**
 * Why an action of XState cannot be part of an agent.
 *
 * @param type - The action's type: built-in ones start with `xstate.`.
 * @param options - What the action was made with, or its resolved params.
 * @returns `undefined` for one that can.
 */
export function whyUnsupported(type: string, options: unknown): string | undefined {
  switch (type) {
    case 'xstate.sendTo':
      return whySendTo(
        options as { readonly to?: unknown; readonly targetId?: unknown; readonly delay?: unknown } | undefined,
      );
    default:
      return undefined;
  }
}

function whySendTo(
  options: { readonly to?: unknown; readonly targetId?: unknown; readonly delay?: unknown } | undefined,
): string {
  if (options?.delay !== undefined)
    return 'a delayed sendTo() is not supported yet; use raise() with the delay, and sendToAgent() when it comes back';
  if (options?.to === '#_parent' || options?.targetId === '#_parent')
    return 'sendParent() is not supported: an agent has no parent; use sendToAgent() with an address';
  return "sendTo() and forwardTo() are not supported: use sendToAgent('<type>/<id>', event)";
}
