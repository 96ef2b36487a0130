/**
 * `startPlacementNode`: a placement node inside any Node.js service.
 */
import { workerData } from 'node:worker_threads';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Layout, WakebusError, answerDiscovery } from '@wakebus/protocol';
import type { NodeHealth } from './health.ts';
import { isThreadData } from './isolation/thread-messages.ts';
import {
  type CheckOptions,
  type FaultListener,
  checkDeployment,
  createDeployment,
  natsPorts,
  readLayout,
} from './nats/mod.ts';
import type { NodeLog } from './node-context.ts';
import { agreeOnObjects } from './objects/agreement.ts';
import type { BlobStore } from './ports/blob-store.ts';
import { delay } from './ports/clock.ts';
import type { WorkspacesOpener } from './ports/workspaces.ts';
import type { Ports } from './ports/ports.ts';
import { registerCharts } from './registry.ts';
import { type NodeStatus, PlacementRuntime, type RuntimeOptions } from './placement-runtime.ts';

export interface PlacementNodeOptions extends RuntimeOptions {
  /** A connection made by `connectNats`, or by transport-node with the same options. It stays yours: `drain` does not close it. */
  readonly connection: NatsConnection;
  /** Name of the deployment. @default "wakebus". */
  readonly prefix?: string;
  /** Where chunks are kept: of snapshots that outgrew their records. All nodes of a deployment must give the same. @default the deployment's own NATS object store */
  readonly objects?: BlobStore;
  /** Where agents with a workspace have their folders while effects work in them: `folderWorkspaces(path)` of `@wakebus/workspace`. @default none – then a type with a workspace is refused */
  readonly workspaces?: WorkspacesOpener;
  /** `create` makes missing streams and buckets; `check` refuses to start without them. @default "create" – the first start should just work; production gives `check`. */
  readonly setup?: 'create' | 'check';
  /** Refuses a deployment that a power cut or the loss of a server could rob of acknowledged events. @default none – a laptop has one server and should start. */
  readonly production?: Pick<CheckOptions, 'monitorUrls'>;
}

/** A running placement node. */
export interface PlacementNode {
  readonly nodeId: string;
  status(): NodeStatus;
  /** Whether it can do its work, and if not, why: for a health check. */
  health(): NodeHealth;
  /** Takes no more work, puts agents to sleep or hands them over, and leaves. Bounded by `limits.drainMs`. */
  drain(): Promise<void>;
  /** Stops at once and without a word, as a crash would. */
  close(): void;
}

/**
 * Starts a placement node.
 *
 * @throws {WakebusError} when the server or its streams are not as needed, with what to do; `POOL_CONFLICT`; `OBJECTS_ELSEWHERE`; `INVALID_OPTION`.
 */
export async function startPlacementNode(options: PlacementNodeOptions): Promise<PlacementNode> {
  refuseInThread();
  const { connection, prefix, objects, workspaces: openWorkspaces, setup = 'create', production, ...runtime } = options;
  if (setup === 'create') await createDeployment(connection, prefix === undefined ? {} : { prefix });
  const layout = await readLayout(connection, prefix);
  const problems = await checkDeployment(connection, layout, { ...production, production: production !== undefined });
  const [first, ...more] = problems;
  if (first !== undefined)
    throw more.length === 0
      ? first
      : Object.assign(first, { cause: new AggregateError(more, `and ${more.length} more`) });
  const nats = natsPorts(connection, layout, faultsInto(runtime.log));
  const stored = objects === undefined ? nats : { ...nats, chunks: objects };
  await agreeOnObjects(stored.registry, stored.chunks.location);
  const workspaces = await openWorkspaces?.(stored);
  const ports = workspaces === undefined ? stored : { ...stored, workspaces };
  const node = await PlacementRuntime.start(ports, runtime);
  void publishCharts(connection, ports, runtime);
  return discoverable(node, options, layout);
}

/** Tries of the drawings, and the time between two, in milliseconds: longer than an election takes. */
const CHART_TRIES = 5;
const CHART_RETRY_MS = 3_000;

/** Puts the drawings of its types where readers find them. Nothing waits for them; a cluster that elects its leaders answers in a while. */
async function publishCharts(
  connection: PlacementNodeOptions['connection'],
  { clock, registry }: Ports,
  { agents, log }: Pick<PlacementNodeOptions, 'agents' | 'log'>,
): Promise<void> {
  for (let left = CHART_TRIES; ; left -= 1) {
    try {
      return await registerCharts(registry, agents);
    } catch (thrown) {
      // A node that has left in the meantime owes nobody its drawings.
      if (connection.isClosed() || connection.isDraining()) return;
      if (left === 1)
        return log?.warn('the statecharts of the agent types are not in the registry', { error: String(thrown) });
    }
    await delay(clock, CHART_RETRY_MS);
  }
}

/** A node that `nats micro ls` finds, until it drains. */
function discoverable(node: PlacementRuntime, options: PlacementNodeOptions, layout: Layout): PlacementNode {
  const { connection, agents, pool = 'default' } = options;
  const discovery = answerDiscovery(connection, {
    name: 'wakebus-node',
    id: node.nodeId,
    description: 'Runs agents',
    metadata: { prefix: layout.prefix, pool, types: agents.map(({ type }) => type).join(',') },
  });
  return {
    nodeId: node.nodeId,
    status: () => node.status(),
    health: () => node.health(),
    drain: () => {
      discovery.stop();
      return node.drain();
    },
    close: () => {
      discovery.stop();
      node.close();
    },
  };
}

/** A thread imports an agent's module to take its turns; were it to start a node, each of its threads would start the next. */
function refuseInThread(): void {
  if (!isThreadData(workerData)) return;
  const why = 'this module starts a placement node; name a module that only defines agents';
  throw new WakebusError('INVALID_OPTION', { option: 'isolation.module', why });
}

/** Without a log of its own, a fault is a warning of the process. */
function faultsInto(log: NodeLog | undefined): FaultListener | undefined {
  return log && ((fault, subject) => log.warn('a message could not be taken', { subject, error: String(fault) }));
}
