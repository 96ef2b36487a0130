/** Who runs agents, what waits for them, and how full the streams are. */
import type { LivingNode, PendingType } from '@wakebus/client';
import type { JSX } from 'preact';
import type { NodesAnswer } from '../api/answers.ts';
import { Bars } from '../parts/bars.tsx';
import { Empty, Page, Panel, Shown, Table } from '../parts/blocks.tsx';
import { For } from '../parts/words.tsx';
import { follow } from '../state/live.ts';
import { hrefOf } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { bytes, count, counted } from '../state/words.ts';

/** From this share on, outsiders are refused. */
const FULL = 0.8;

export function NodesPage(): JSX.Element {
  follow('*');
  const reading = useRead<NodesAnswer>('nodes');
  return (
    <Page
      title="Nodes & NATS"
      lead="A node that is asked to stop by SIGTERM drains by itself: its agents go on elsewhere."
    >
      <Shown reading={reading}>
        {({ nodes, pending, streams }) => (
          <>
            <div class="columns">
              <Nodes nodes={nodes} />
              <Pending pending={pending} />
            </div>
            <Streams streams={streams} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Nodes({ nodes }: { readonly nodes: readonly LivingNode[] }): JSX.Element {
  return (
    <Panel title="Placement nodes" note={counted(nodes.length, 'node')}>
      {nodes.length === 0 ? (
        <Empty command="wakebus dev agent.ts">No placement node lives: messages wait until one does.</Empty>
      ) : (
        <Table
          label="Placement nodes"
          columns={['node', 'state', 'pool', 'types', 'up for']}
          rows={nodes.map(({ nodeId, state, pool, types, startedMs }) => ({
            key: nodeId,
            cells: [
              <code>{nodeId}</code>,
              <span class={`badge ${state === 'active' ? 'done' : 'backoff'}`}>{state}</span>,
              pool,
              Object.entries(types)
                .map(([type, version]) => `${type} v${version}`)
                .join(', '),
              <For ms={startedMs} />,
            ],
          }))}
        />
      )}
    </Panel>
  );
}

function Pending({ pending }: { readonly pending: Readonly<Record<string, PendingType>> }): JSX.Element {
  const types = Object.entries(pending).toSorted(([, a], [, b]) => b.messages - a.messages);
  return (
    <Panel title="Waiting in the inboxes">
      {types.length === 0 ? (
        <Empty>Nothing waits: every message has been taken.</Empty>
      ) : (
        <Table
          label="Waiting messages by type"
          columns={['type', 'messages#', 'agents#']}
          rows={types.map(([type, { messages, agents }]) => ({
            key: type,
            cells: [<a href={hrefOf(['agents'], { type })}>{type}</a>, count(messages), count(agents)],
          }))}
        />
      )}
    </Panel>
  );
}

function Streams({ streams }: { readonly streams: NodesAnswer['streams'] }): JSX.Element {
  const limited = streams.filter(({ fill }) => fill > 0).toSorted((a, b) => b.fill - a.fill);
  return (
    <Panel title="Streams" note="outsiders are refused where an inbox is 80 % full">
      {limited.length > 0 && (
        <Bars
          label="Fill of streams with a limit"
          rows={limited.map(({ stream, fill }) => ({
            label: stream,
            value: fill,
            note: `${(fill * 100).toFixed(fill < 0.1 ? 2 : 0)} % full`,
            isBad: fill >= FULL,
          }))}
        />
      )}
      <Table
        label="Streams"
        columns={['stream', 'messages#', 'size#', 'consumers#', 'replicas#', 'leader']}
        rows={streams.map(({ stream, messages, bytes: size, consumers, replicas, leader }) => ({
          key: stream,
          cells: [
            <code>{stream}</code>,
            count(messages),
            bytes(size),
            count(consumers),
            count(replicas),
            leader ?? '–',
          ],
        }))}
      />
    </Panel>
  );
}
