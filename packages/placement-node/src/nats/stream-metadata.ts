/** What a deployment writes into the metadata of its streams: enough to find its layout again, and to know a recreated stream. */
export const metadataKey = {
  /** Drawn at random when the stream is created. */
  incarnation: 'wakebus.incarnation',
  partitions: 'wakebus.partitions',
  shards: 'wakebus.shards',
} as const;
