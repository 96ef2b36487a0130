/** The streams of a deployment as the server describes them: how full, how large, who leads. */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { type Layout, WakebusError } from '@wakebus/protocol';

/** One stream. */
export interface StreamState {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
  /** Share of the tightest limit that is used, 0 to 1; 0 where there is none. */
  readonly fill: number;
  readonly consumers: number;
  readonly replicas: number;
  /** The server that leads it, in a cluster. */
  readonly leader?: string;
}

/** Reads them. @throws {WakebusError} `UNAVAILABLE`. */
export async function readStreams(jsm: JetStreamManager, layout: Layout): Promise<StreamState[]> {
  try {
    const infos = await Promise.all(namesOf(layout).map((name) => jsm.streams.info(name).catch(orMissing)));
    return infos.flatMap((info) => (info === undefined ? [] : [stateOf(info)]));
  } catch (cause) {
    throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause });
  }
}

function namesOf(layout: Layout): string[] {
  const shards = Array.from({ length: layout.shards }, (_, shard) => shard);
  const buckets = [layout.agentsBucket, layout.leasesBucket, layout.registryBucket];
  return [
    ...shards.flatMap((shard) => [layout.inboxStream(shard), layout.timersStream(shard)]),
    ...(layout.shards > 1 ? [layout.frontDoorStream] : []),
    ...buckets.map((bucket) => `KV_${bucket}`),
    layout.birthsStream,
    layout.heldStream,
    layout.deadLettersStream,
    layout.historyStream,
    layout.auditStream,
    layout.incidentsStream,
    `OBJ_${layout.objectsBucket}`,
  ];
}

/** A stream that an older deployment does not have is none to show. */
function orMissing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'StreamNotFoundError') return undefined;
  throw error;
}

function stateOf({ config, state, cluster }: StreamInfo): StreamState {
  const byCount = config.max_msgs > 0 ? state.messages / config.max_msgs : 0;
  const bySize = config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
  return {
    stream: config.name,
    messages: state.messages,
    bytes: state.bytes,
    fill: Math.max(byCount, bySize),
    consumers: state.consumer_count,
    replicas: config.num_replicas,
    ...(cluster?.leader !== undefined && { leader: cluster.leader }),
  };
}
