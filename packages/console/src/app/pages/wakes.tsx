/** Wake chains: the newest ones, and one of them as a tree with its times. From history; looking wakes nobody. */
import type { HistoryPage, PastCommit } from '@wakebus/client';
import type { JSX } from 'preact';
import { withQuery } from '../api/gateway.ts';
import { Empty, Page, Shown, Table } from '../parts/blocks.tsx';
import { Agent, Ago } from '../parts/words.tsx';
import { follow } from '../state/live.ts';
import { hrefOf } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { count, counted, duration } from '../state/words.ts';
import { ChainPage } from './chain.tsx';

/** Commits from which chains are put together. */
const NEWEST = 500;

export function WakesPage({ target }: { readonly target: string }): JSX.Element {
  return target === '' ? <Chains /> : <ChainPage target={target} />;
}

function Chains(): JSX.Element {
  follow('*');
  const reading = useRead<HistoryPage>(withQuery('history', { last: NEWEST }));
  return (
    <Page title="Wakes" lead="Chains of wakes, the newest first: everything that one event from outside has caused.">
      <Shown reading={reading}>{({ commits }) => <ChainTable chains={chainsOf(commits)} />}</Shown>
    </Page>
  );
}

interface ChainSummary {
  readonly key: string;
  /** The oldest commit of it that was read. */
  readonly first: PastCommit;
  readonly target: string;
  readonly commits: number;
  readonly agents: number;
  readonly tookMs: number;
}

/** Commits that stand in one trace; what came in without one stands by itself. */
function chainsOf(commits: readonly PastCommit[]): ChainSummary[] {
  const chains = new Map<string, PastCommit[]>();
  for (const commit of commits) {
    const key = commit.traceparent?.split('-')[1] ?? `${commit.key} ${commit.commit}`;
    chains.set(key, [...(chains.get(key) ?? []), commit]);
  }
  return [...chains].map(([key, of]) => summaryOf(key, of)).toReversed();
}

function summaryOf(key: string, commits: readonly PastCommit[]): ChainSummary {
  const sorted = commits.toSorted((a, b) => a.atMs - b.atMs);
  const [first, last] = [sorted[0] as PastCommit, sorted.at(-1) as PastCommit];
  const seq = first.events[0]?.seq;
  return {
    key,
    first,
    target: seq === undefined ? first.address : `${first.address}#${seq}`,
    commits: commits.length,
    agents: new Set(commits.map((commit) => commit.key)).size,
    tookMs: last.atMs - first.atMs,
  };
}

function ChainTable({ chains }: { readonly chains: readonly ChainSummary[] }): JSX.Element {
  if (chains.length === 0)
    return (
      <Empty command="wakebus send hello/ada greet --wait">Nobody has woken in the time that history keeps.</Empty>
    );
  return (
    <div class="panel">
      <Table
        label="Wake chains"
        columns={['began with', 'at', 'from', 'turns#', 'agents#', 'took#', 'when']}
        rows={chains.map(({ key, first, target, commits, agents, tookMs }) => ({
          key,
          cells: [
            <a href={hrefOf(['wakes', target])}>{first.events.map(({ type }) => type).join(', ') || 'a commit'}</a>,
            <Agent address={first.address} />,
            <span class="muted">{first.events[0]?.from ?? 'outside'}</span>,
            count(commits),
            counted(agents, 'agent'),
            commits > 1 ? duration(tookMs) : <span class="muted">–</span>,
            <Ago ms={first.atMs} />,
          ],
        }))}
      />
    </div>
  );
}
