/**
 * A JetStream stream of the user's own as a source: each of its messages becomes an event, or none.
 *
 * It has a durable consumer of its own in that stream, which any number of processes may share. A message is
 * acknowledged when what was made of it is stored. While the inbox is full it waits in its place, the server hands
 * out no more than `inFlight` others, and events for one agent stay in their order.
 */
import { WakebusError } from '@wakebus/protocol';
import { type Mapped, type Source, checkCounts, defineSource } from '../source.ts';
import type { StreamMessage } from './stream-message.ts';
import { StreamRun } from './stream-run.ts';

/** Where in its stream a source begins. */
export type StreamStart = 'all' | 'new' | { readonly seq: number } | { readonly timeMs: number };

export interface StreamSourceOptions {
  /** Unique in a deployment: stands in message IDs and in the consumer's name. */
  readonly name: string;
  readonly stream: string;
  /** Subjects of it that are read. @default all */
  readonly subjects?: readonly string[];
  /** What a message becomes. Must not have effects, and must give the same each time: it may run again. One that throws is tried again, and then given up. */
  readonly map: (message: StreamMessage) => Mapped;
  /** What a message is known by: the same key is one event. @default the stream's birth and the sequence */
  readonly key?: (message: StreamMessage) => string;
  /** Where it begins; where it has got to is remembered by the consumer. @default "all" – nothing that is there is passed over */
  readonly from?: StreamStart;
  /**
   * Brings everything from `from` on in again, as new events: a name for this replay. It has a consumer and message
   * IDs of its own, so a process that is still started without it does not disturb it.
   *
   * @default none
   */
  readonly replay?: string;
  /** How often a message is mapped before it is given up. @default 5 – over a quarter of a minute, in which a mapping that asks something of this process may recover */
  readonly tries?: number;
  /** Messages under way at a time. @default 256 – enough to keep the inbox busy */
  readonly inFlight?: number;
  /** How long a process that has died keeps its messages from the others, in milliseconds. @default 10,000 – one that lives says so every third of it */
  readonly ackWaitMs?: number;
}

/** The options with their defaults. */
export type StreamPlan = Required<Omit<StreamSourceOptions, 'key' | 'replay'>> &
  Pick<StreamSourceOptions, 'key' | 'replay'>;

/** Makes a source of a stream. @throws {WakebusError} `INVALID_OPTION`. */
export function streamSource(options: StreamSourceOptions): Source {
  const plan: StreamPlan = {
    subjects: [],
    from: 'all',
    tries: 5,
    inFlight: 256,
    ackWaitMs: 10_000,
    ...options,
  };
  const { tries, inFlight, ackWaitMs } = plan;
  checkCounts({ tries, inFlight, ackWaitMs });
  if (plan.replay !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(plan.replay))
    throw new WakebusError('INVALID_OPTION', { option: 'replay', why: 'write 1 to 32 of A-Z a-z 0-9 _ -' });
  let run: StreamRun | undefined;
  return defineSource({
    name: plan.name,
    start: (sink, signal) => {
      run = new StreamRun(plan, sink, signal);
      return run.run();
    },
    health: () => ({ stream: plan.stream, ...run?.health() }),
  });
}
