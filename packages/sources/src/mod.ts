/**
 * Ways in for Wakebus beside HTTP: JetStream streams, watched folders, and sources of one's own.
 */
export { type SeenSource, lookAtSources } from './look-at-sources.ts';
export { type Pauses } from './pauses.ts';
export { type SourceHealth, type SourceLog, type SourceStanding } from './running-source.ts';
export {
  type Mapped,
  type Refusal,
  type Source,
  type SourceEvent,
  type SourceReceipt,
  type SourceSink,
  defineSource,
} from './source.ts';
export { SourceState, type StateValue } from './source-state.ts';
export { type Sources, type SourcesOptions, startSources } from './start-sources.ts';
export { cloudEvents } from './stream/cloud-events.ts';
export { type StreamMessage, headerOf } from './stream/stream-message.ts';
export { type StreamSourceOptions, type StreamStart, streamSource } from './stream/stream-source.ts';
export { type FileChange, type FileFacts } from './files/file-change.ts';
export { type FolderSourceOptions, folderSource } from './files/folder-source.ts';
export { type Ignore } from './files/ignored.ts';
