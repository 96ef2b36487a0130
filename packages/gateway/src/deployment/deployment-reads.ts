/** What is read of a deployment as a whole, once for all who look at it. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { AgentCensus, Client } from '@wakebus/client';
import type { AgentKey } from '@wakebus/protocol';
import type { ChannelRecord, ChannelStore } from '../channels/channel-store.ts';
import { SparedRead } from '../spared-read.ts';
import { type StreamState, readStreams } from './streams.ts';
import { type WakeFigures, wakeFiguresOf } from './wake-figures.ts';

/** Commits from which figures are made: some seconds of a busy deployment, days of a quiet one. */
const LOOKED_AT = 500;

export class DeploymentReads {
  readonly census: SparedRead<AgentCensus>;
  readonly wakes: SparedRead<WakeFigures>;
  /** Messages in the inboxes, by agent. */
  readonly pending: SparedRead<ReadonlyMap<AgentKey, number>>;
  readonly streams: SparedRead<readonly StreamState[]>;
  readonly channels: SparedRead<readonly ChannelRecord[]>;

  constructor(client: Client, jsm: JetStreamManager, channels: ChannelStore) {
    this.census = new SparedRead(() => client.census());
    this.wakes = new SparedRead(async () => {
      const { commits } = await client.history('*', { last: LOOKED_AT });
      return wakeFiguresOf(client.layout, commits);
    });
    this.pending = new SparedRead(() => client.pending());
    this.streams = new SparedRead(() => readStreams(jsm, client.layout));
    this.channels = new SparedRead(() => channels.list());
  }
}
