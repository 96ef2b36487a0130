/** What `wakebus node` does from its start to the signal that ends it. */
import type { AnyAgentDefinition } from '@wakebus/core';
import { type PlacementNode, connectNats, startPlacementNode } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import type { CommandContext } from '../command-context.ts';
import { loadAgents } from '../dev/load-agents.ts';
import { openNodeLog } from '../process-telemetry.ts';
import { credentials } from '../session.ts';
import { type HealthAddress, NodeHealthServer } from './node-health.ts';

/** Flags of the command. */
export interface NodeFlags {
  readonly pool?: string;
  readonly name?: string;
  readonly healthHost?: string;
  readonly healthPort?: string;
  readonly monitors?: string;
}

const DEFAULT_HEALTH_PORT = 8_081;

/** Runs until it is asked to stop; then it lets its agents go, and leaves. */
export async function runNode(context: CommandContext, file: string, flags: NodeFlags): Promise<void> {
  const { io, output, settings } = context;
  const address = readAddress(flags);
  const { agents, refusal } = await loadAgents(file);
  if (refusal !== undefined) throw new WakebusError('INVALID_OPTION', { option: 'file', why: refusal });
  const stopped = Promise.withResolvers<void>();
  const end = io.onStop(() => stopped.resolve());
  const draining = new AbortController();
  const servers = settings.servers.split(',').map((url) => url.trim());
  const connection = await connectNats({ servers, name: 'wakebus node', ...credentials(settings, io.env) });
  try {
    const node = await startNode(context, { connection, agents, flags });
    await using health = await NodeHealthServer.start(node, address, draining.signal).catch(async (error: unknown) => {
      // Of one that leaves without a word the others wait for the lease to end.
      await node.drain();
      throw error;
    });
    const fields = { node: node.nodeId, url: health.url, agents: agents.map(({ type }) => type) };
    output.data('node', fields, () => `node    ${node.nodeId}\nhealth  ${health.url}`);
    await stopped.promise;
    draining.abort();
    await node.drain();
  } finally {
    end();
    await connection.close();
  }
}

interface Parts {
  readonly connection: Awaited<ReturnType<typeof connectNats>>;
  readonly agents: readonly AnyAgentDefinition[];
  readonly flags: NodeFlags;
}

/** Streams are made by whoever sets a deployment up, not by a node that starts. */
async function startNode(
  { settings: { prefix, agentDefaults } }: CommandContext,
  { connection, agents, flags: { monitors, name, pool } }: Parts,
): Promise<PlacementNode> {
  return startPlacementNode({
    connection,
    agents,
    setup: 'check',
    log: await openNodeLog(),
    ...(prefix !== undefined && { prefix }),
    ...(agentDefaults !== undefined && { agentDefaults }),
    ...(name !== undefined && { name }),
    ...(pool !== undefined && { pool }),
    ...(monitors !== undefined && { production: { monitorUrls: monitors.split(',') } }),
  });
}

function readAddress({ healthHost: host = '127.0.0.1', healthPort }: NodeFlags): HealthAddress {
  const port = healthPort === undefined ? DEFAULT_HEALTH_PORT : Number(healthPort);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return { host, port };
  throw new WakebusError('INVALID_OPTION', {
    option: '--health-port',
    why: 'write a number from 0 (any) to 65535',
  });
}
