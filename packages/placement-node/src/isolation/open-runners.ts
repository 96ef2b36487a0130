/** The runners of a placement node: one for each agent type that asks for isolation. */
import type { AnyAgentDefinition } from '@wakebus/core';
import type { NodeLog } from '../node-context.ts';
import type { Ports } from '../ports/ports.ts';
import type { TurnRunner } from '../ports/turn-runner.ts';

/** By agent type. */
export type OpenRunners = ReadonlyMap<string, TurnRunner>;

/**
 * Opens a runner for each type that asks for one; all of them, or none.
 *
 * @throws {WakebusError} `INVALID_OPTION` when a module does not give its definition.
 */
export async function openRunners(
  { layout, turnRunners }: Pick<Ports, 'layout' | 'turnRunners'>,
  definitions: readonly AnyAgentDefinition[],
  log: NodeLog | undefined,
): Promise<OpenRunners> {
  const open = new Map<string, TurnRunner>();
  const opening = definitions
    .filter(({ isolation }) => isolation !== undefined)
    .map(async (definition) => {
      const { type } = definition;
      open.set(type, await turnRunners.open(definition, layout, (message) => log?.warn(message, { type })));
    });
  const failed = (await Promise.allSettled(opening)).find(({ status }) => status === 'rejected');
  if (failed === undefined) return open;
  closeRunners(open);
  throw (failed as PromiseRejectedResult).reason;
}

export function closeRunners(open: OpenRunners): void {
  for (const runner of open.values()) runner.close();
}
