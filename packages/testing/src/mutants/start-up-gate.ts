/**
 * The start-up gate, which no simulation reaches: a placement node on a real server, whose streams are not
 * as they must be.
 */
import { connectNats, createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { startNatsServer } from '@wakebus/nats-server';
import { ledgerAgent } from '../workloads/ledger-agent.ts';

/** Its name among the workloads that mutants run. */
export const START_UP_GATE = 'start-up gate';

type Connection = Awaited<ReturnType<typeof connectNats>>;

/** Starts placement nodes on deployments that could lose messages. @returns the starts that should not have been. */
export async function checkStartUpGate(): Promise<string[]> {
  await using server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  try {
    const layout = await createDeployment(connection, { partitions: 1 });
    const durable = await starts(connection, { production: {} });
    await updateStream(connection, layout.inboxStream(0), { discard: 'old' });
    const misconfigured = await starts(connection, {});
    return [
      ...(durable ? ['a placement node started in production on one replica that is not flushed'] : []),
      ...(misconfigured ? ['a placement node started on an inbox that drops its oldest messages when it is full'] : []),
    ];
  } finally {
    await connection.close();
  }
}

async function starts(connection: Connection, options: { readonly production?: object }): Promise<boolean> {
  try {
    const node = await startPlacementNode({ connection, agents: [ledgerAgent()], setup: 'check', ...options });
    await node.drain();
    return true;
  } catch {
    return false;
  }
}

async function updateStream(connection: Connection, stream: string, change: object): Promise<void> {
  const ask = async (subject: string, body: object): Promise<{ config?: object; error?: object }> =>
    (await connection.request(subject, JSON.stringify(body))).json();
  const { config } = await ask(`$JS.API.STREAM.INFO.${stream}`, {});
  const { error } = await ask(`$JS.API.STREAM.UPDATE.${stream}`, { ...config, ...change });
  if (error !== undefined) throw new Error(`The stream ${stream} could not be changed: ${JSON.stringify(error)}`);
}
