/** A chain of wakes of the demo, twice: as `explain` tells it from history, and as the spans that were received hang together. */
import { runCli } from '@wakebus/cli';
import { type Chain, type ChainStep, createClient } from '@wakebus/client';
import { connectNats } from '@wakebus/placement-node';
import { span } from '@wakebus/protocol';
import type { ReceivedSpan } from '../../telemetry/test/support/otlp-receiver.ts';
import { fakeIo } from './fake-io.ts';

/** A turn by the ID of its span, and the turns that followed from it, in no order. */
export interface TurnTree {
  readonly span: string | undefined;
  readonly caused: readonly TurnTree[];
}

/** The newest chain of three steps or more in which every turn took one event: only then has each turn one parent. */
export async function newestChain(servers: string): Promise<Chain> {
  const connection = await connectNats({ servers });
  try {
    const client = await createClient(connection);
    const { commits } = await client.history('*', { limit: 1_000 });
    const roots = commits.flatMap(({ events }) => events).filter(({ from }) => from === undefined);
    for (const { id } of roots.toReversed()) {
      const chain = id === undefined ? undefined : await client.explain(id);
      if (chain !== undefined && chain.steps > 2 && takesOneEach(chain.root)) return chain;
    }
    throw new Error(`no chain of one cause a turn among ${roots.length}`);
  } finally {
    await connection.close();
  }
}

const takesOneEach = ({ commit, caused }: ChainStep): boolean =>
  commit.events.length === 1 && caused.every(takesOneEach);

/** What the command says about a message. */
export async function explained(servers: string, id: string): Promise<string> {
  using io = fakeIo({ env: { WAKEBUS_SERVERS: servers } });
  await runCli(['explain', id], io);
  return io.stdout;
}

/** The turns of a chain. */
export function turnsOfChain({ commit, caused }: ChainStep): TurnTree {
  return tree(commit.traceparent?.split('-')[2], caused.map(turnsOfChain));
}

/** The turns of a trace, each below the nearest turn that its parents lead to. */
export function turnsOfTrace(spans: readonly ReceivedSpan[]): readonly TurnTree[] {
  const byId = new Map(spans.map((each) => [each.spanId, each]));
  const isTurn = ({ name }: ReceivedSpan): boolean => name === span.turn || name === span.retry;
  const turnAbove = ({ parentSpanId }: ReceivedSpan): string | undefined => {
    const parent = byId.get(parentSpanId);
    return parent === undefined || isTurn(parent) ? parent?.spanId : turnAbove(parent);
  };
  const turns = spans.filter(isTurn).map((turn) => ({ spanId: turn.spanId, above: turnAbove(turn) }));
  const below = (above: string | undefined): TurnTree[] =>
    turns.filter((turn) => turn.above === above).map(({ spanId }) => tree(spanId, below(spanId)));
  return below(undefined);
}

function tree(id: string | undefined, caused: readonly TurnTree[]): TurnTree {
  return { span: id, caused: caused.toSorted((a, b) => ((a.span ?? '') < (b.span ?? '') ? -1 : 1)) };
}
