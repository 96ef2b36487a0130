/** Whether the agents that exist would wake with what a file says now. Asked before anything is replaced. */
import type { AnyAgentDefinition } from '@wakebus/core';
import { type Misfit, connectNats, findMisfits, natsPorts, readLayout } from '@wakebus/placement-node';
import { isWakebusError } from '@wakebus/protocol';
import type { DevDeployment } from './node-messages.ts';

/** Misfits that are named. */
const NAMED = 3;

/** Looks at the agents of a deployment. @returns why the file is refused, or nothing. @throws {WakebusError} */
export async function whyUnfit(
  { servers, prefix }: DevDeployment,
  definitions: readonly AnyAgentDefinition[],
): Promise<string | undefined> {
  const connection = await connectNats({ servers: servers.split(','), name: 'wakebus dev check' });
  try {
    const misfits = await findMisfits(natsPorts(connection, await readLayout(connection, prefix)), definitions);
    return misfits.length === 0 ? undefined : textOf(misfits);
  } catch (thrown) {
    // Nothing is deployed yet, and so there are no agents.
    if (isWakebusError(thrown, 'STREAM_MISSING')) return undefined;
    throw thrown;
  } finally {
    await connection.close();
  }
}

function textOf(misfits: readonly Misfit[]): string {
  const left = misfits.length - NAMED;
  return [
    misfits.length === 1 ? 'an agent would not wake with it' : `${misfits.length} agents would not wake with it`,
    ...misfits.slice(0, NAMED).map(({ error }) => `  ${error.message}`),
    ...(left > 0 ? [`  and ${left} more`] : []),
    `  Keep that state, or raise "version" and say in "migrate" where it goes. To forget an agent: wakebus agents remove ${misfits[0]?.address}`,
  ].join('\n');
}
