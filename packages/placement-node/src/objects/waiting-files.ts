/**
 * Files that effects have left, and that no turn has taken yet: their results wait, in an inbox or set aside. Of an
 * agent that is suspended, or while no placement node runs, that may be for weeks, and no record names them until then.
 */
import {
  type AgentKey,
  type Layout,
  type ParkedMessage,
  type WorkspaceRef,
  decode,
  isWakebusError,
  readEffectResult,
} from '@wakebus/protocol';
import type { EventLog, StoredMessage } from '../ports/event-log.ts';
import type { Ports } from '../ports/ports.ts';

/** Messages of one read. */
const PAGE = 256;

/** Whose files, and what names them. */
export interface WaitingFiles {
  readonly key: AgentKey;
  readonly ref: WorkspaceRef;
}

/** All of them, some twice. @throws {WakebusError} `UNAVAILABLE`. */
export async function* waitingFiles({
  held,
  inboxes,
  layout,
}: Pick<Ports, 'held' | 'inboxes' | 'layout'>): AsyncGenerator<WaitingFiles> {
  // What is set aside stands there before it leaves its inbox, and may be put back into it.
  yield* inInboxes(inboxes, layout);
  for await (const { data } of messagesOf(held, layout.heldSubject('>'))) yield* inParked(layout, data);
  yield* inInboxes(inboxes, layout);
}

async function* inInboxes(inboxes: readonly EventLog[], layout: Layout): AsyncGenerator<WaitingFiles> {
  for (const inbox of inboxes)
    for await (const { subject, data } of messagesOf(inbox, layout.effectResultsFilter))
      yield* inResult(layout, subject, data);
}

async function* messagesOf(log: EventLog, filter: string): AsyncGenerator<StoredMessage> {
  for (let from = 1; ;) {
    const page = await log.read(filter, from, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    from = last.seq + 1;
  }
}

function inParked(layout: Layout, bytes: Uint8Array): readonly WaitingFiles[] {
  const { subject, data } = readable(() => decode(bytes) as Partial<ParkedMessage> | null) ?? {};
  return typeof subject === 'string' && data instanceof Uint8Array ? inResult(layout, subject, data) : [];
}

function inResult(layout: Layout, subject: string, data: Uint8Array): readonly WaitingFiles[] {
  const of = layout.readInboxSubject(subject);
  const files = of?.kind === 'effect' ? readable(() => readEffectResult(data))?.files : undefined;
  return of === undefined || files === undefined ? [] : [{ key: of.key as AgentKey, ref: files.ref }];
}

/** What cannot be read no turn will take. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (isWakebusError(thrown)) return undefined;
    throw thrown;
  }
}
