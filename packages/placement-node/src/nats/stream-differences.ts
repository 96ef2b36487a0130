/**
 * How a stream differs from what it must be.
 *
 * The table of wanted streams decides: a field that it sets must be just so, except for limits, which
 * an operator may choose; a limit that it leaves out must not be there at all.
 */
import type { StreamConfig } from '@nats-io/jetstream';
import { WakebusError } from '@wakebus/protocol';
import { metadataKey } from './stream-metadata.ts';
import type { WantedStream } from './wanted-streams.ts';

/** Limits with the value that means "none". */
const noLimit = { max_age: 0, max_bytes: -1, max_msgs: -1, max_msg_size: -1, max_msgs_per_subject: -1 } as const;

/** Fields that an operator may set to anything. */
const freeFields: ReadonlySet<string> = new Set([
  'name',
  'num_replicas',
  'duplicate_window',
  'metadata',
  'max_age',
  'max_bytes',
  'max_msgs',
  'max_msg_size',
]);

/** What is wrong with a stream, field by field. */
export function streamDifferences(wanted: WantedStream, actual: StreamConfig | undefined): WakebusError[] {
  if (actual === undefined) return [new WakebusError('STREAM_MISSING', { stream: wanted.name })];
  const found: WakebusError[] = [];
  const compare = (field: string, is: unknown, needed: unknown): void => {
    const [actualText, neededText] = [inText(is), inText(needed)];
    if (actualText === neededText) return;
    found.push(
      new WakebusError('STREAM_MISCONFIGURED', { stream: wanted.name, field, actual: actualText, needed: neededText }),
    );
  };
  for (const [field, needed] of Object.entries(wanted)) {
    if (!freeFields.has(field)) compare(field, valueOf(actual, field), normalized(field, needed));
  }
  for (const [field, none] of Object.entries(noLimit)) {
    if (!(field in wanted)) compare(field, valueOf(actual, field) ?? none, none);
  }
  for (const [key, needed] of Object.entries(wanted.metadata)) compare(key, actual.metadata?.[key], needed);
  if (actual.metadata?.[metadataKey.incarnation] === undefined)
    compare(metadataKey.incarnation, undefined, 'a random name');
  return found;
}

function valueOf(config: StreamConfig, field: string): unknown {
  return normalized(field, (config as unknown as Record<string, unknown>)[field]);
}

/** The server leaves out what is false, and adds defaults of its own to sources. */
function normalized(field: string, value: unknown): unknown {
  if (field === 'subjects') return (value as string[] | undefined)?.toSorted();
  if (field === 'sources') return sourcesOf(value as StreamConfig['sources']);
  if (field === 'subject_transform') return transformOf(value as Transform | undefined);
  return value === false ? undefined : value;
}

type Transform = { readonly src?: string; readonly dest: string };

function sourcesOf(sources: StreamConfig['sources']): unknown {
  return sources
    ?.map(({ name, subject_transforms: transforms, filter_subject: filter }) => ({
      name,
      ...(filter === undefined || filter === '' ? {} : { filter }),
      transforms: transforms?.map(transformOf),
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

function transformOf(transform: Transform | undefined): string | undefined {
  return transform === undefined ? undefined : `${transform.src ?? ''} → ${transform.dest}`;
}

function inText(value: unknown): string {
  if (value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
