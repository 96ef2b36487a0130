/** The layout of a deployment, as its creator wrote it into the metadata of its streams. */
import { Layout, WakebusError } from '@wakebus/protocol';
import { ApiError, callApi } from './jetstream-api.ts';
import { NoReplyError, type RequestMux } from './request-mux.ts';

const STREAM_NOT_FOUND = 10_059;
/** The server has JetStream and this account has not; or nobody has it now. */
const NO_JETSTREAM: ReadonlySet<number> = new Set([10_039, 10_076]);

interface StreamConfig {
  readonly config: { readonly metadata?: Readonly<Record<string, string>> };
}

/**
 * Reads partitions and shards. The births stream is asked: its name does not depend on what is looked for.
 *
 * @param url - Of the server, for error messages.
 * @throws {WakebusError} `STREAM_MISSING` when there is no such deployment, `JETSTREAM_DISABLED`, `UNAVAILABLE`.
 */
export async function readLayout(mux: RequestMux, prefix: string | undefined, url: string): Promise<Layout> {
  const named = prefix === undefined ? {} : { prefix };
  const { birthsStream } = new Layout(named);
  try {
    const { config } = await callApi<StreamConfig>(mux, `STREAM.INFO.${birthsStream}`);
    const { 'wakebus.partitions': partitions, 'wakebus.shards': shards } = config.metadata ?? {};
    return new Layout({ ...named, partitions: Number(partitions), shards: Number(shards) });
  } catch (cause) {
    throw layoutError(cause, birthsStream, url);
  }
}

function layoutError(cause: unknown, stream: string, url: string): unknown {
  if (cause instanceof ApiError && cause.errorCode === STREAM_NOT_FOUND)
    return new WakebusError('STREAM_MISSING', { stream }, { cause });
  const isRefused = cause instanceof ApiError && NO_JETSTREAM.has(cause.errorCode);
  if (isRefused || (cause instanceof NoReplyError && cause.why === 'no-responders'))
    return new WakebusError('JETSTREAM_DISABLED', { url }, { cause });
  if (cause instanceof ApiError || cause instanceof NoReplyError)
    return new WakebusError('UNAVAILABLE', { what: `The stream ${stream}` }, { cause });
  return cause;
}
