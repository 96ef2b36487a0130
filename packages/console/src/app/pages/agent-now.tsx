/** What an agent is right now: its statechart with the state that it is in, its context, what is due, what it still has to hand over. */
import type { AgentInspection } from '@wakebus/client';
import type { OutboxEntry, TimerEntry } from '@wakebus/protocol';
import type { JSX } from 'preact';
import { Empty, Facts, Panel, Table } from '../parts/blocks.tsx';
import { Json } from '../parts/json-view.tsx';
import { Ago, Due } from '../parts/words.tsx';
import { timerAction } from '../state/agent-actions.ts';
import { ask } from '../state/asking.ts';
import { useRead } from '../state/use-read.ts';
import { bytes, count, counted, duration, stateText } from '../state/words.ts';
import { type StoredChart, timerText } from '../statechart/chart.ts';
import { Statechart } from '../statechart/drawing.tsx';

export function NowTab({ agent }: { readonly agent: AgentInspection }): JSX.Element {
  return (
    <div class="columns now">
      <Panel title="State" note={stateText(agent.state)}>
        <Chart agent={agent} />
      </Panel>
      <Panel title="Context" note={bytes(agent.sizes.snapshotBytes)}>
        {agent.context === undefined ? <p class="muted">{contextMissing(agent)}</p> : <Json value={agent.context} />}
      </Panel>
      <Timers agent={agent} />
      <Children agent={agent} />
      <Mailbox agent={agent} />
      <Numbers agent={agent} />
    </div>
  );
}

function contextMissing({ sizes, turns }: AgentInspection): string {
  if (turns === 0) return 'None before its first turn.';
  return sizes.snapshotBytes === 0 ? 'It is gone.' : 'It has outgrown the record and lies in the object store.';
}

function Chart({ agent: { key, state, machineVersion } }: { readonly agent: AgentInspection }): JSX.Element {
  const type = key.slice(0, key.indexOf('.'));
  const { value, error } = useRead<StoredChart>(`types/${encodeURIComponent(type)}/chart`, true);
  if (error !== undefined)
    return <Empty>No statechart of this type is stored: its placement node stores it at its start.</Empty>;
  if (value === undefined) return <p class="reading">reading …</p>;
  const isOther = value.version !== machineVersion;
  return (
    <>
      {isOther && (
        <p class="late">
          The agent is of version {machineVersion}, the drawing of version {value.version}: it changes with its next
          turn.
        </p>
      )}
      <Statechart chart={value} state={state} />
    </>
  );
}

function Timers({ agent: { address, timers } }: { readonly agent: AgentInspection }): JSX.Element {
  const sorted = timers.toSorted((a, b) => a.dueMs - b.dueMs);
  return (
    <Panel title="Timers" note={timers.length > 0 ? counted(timers.length, 'timer') : undefined}>
      {sorted.length === 0 ? (
        <Empty>Nothing is due: it wakes on a message only.</Empty>
      ) : (
        <Table
          label="Timers"
          columns={['timer', 'due', 'event', 'do']}
          rows={sorted.map((timer) => ({ key: nameOf(timer), cells: timerCells(address, timer) }))}
        />
      )}
    </Panel>
  );
}

function timerCells(address: string, timer: TimerEntry): JSX.Element[] {
  const name = nameOf(timer);
  return [
    <span title={name}>{timerText(name)}</span>,
    timer.leftMs === undefined ? <Due ms={timer.dueMs} /> : <>stands still, {duration(timer.leftMs)} left</>,
    <code>{timerText(timer.event.type)}</code>,
    <>
      <button type="button" class="quiet" onClick={() => ask(timerAction('fire', address, name))}>
        fire
      </button>
      <button type="button" class="quiet" onClick={() => ask(timerAction('cancel', address, name))}>
        cancel
      </button>
    </>,
  ];
}

/** As an operator names it: a child actor's goes under its actor. */
function nameOf({ id, actor }: TimerEntry): string {
  return actor === undefined ? id : `${actor}/${id}`;
}

function Children({ agent: { children = {} } }: { readonly agent: AgentInspection }): JSX.Element | null {
  if (Object.keys(children).length === 0) return null;
  return (
    <Panel title="Child actors">
      <Json value={children} />
    </Panel>
  );
}

function Mailbox({ agent }: { readonly agent: AgentInspection }): JSX.Element {
  const { waiting, held, earlyCount, outbox, maybe } = agent;
  return (
    <Panel title="Mailbox and outbox">
      <Facts
        facts={[
          ['waiting', counted(waiting, 'message')],
          ['standing aside', held && `up to inbox sequence ${held.upTo}`],
          ['waiting for one before them', earlyCount > 0 ? counted(earlyCount, 'message') : undefined],
          ['to be handed over', counted(outbox.length, 'message')],
        ]}
      />
      {outbox.length > 0 && <Outbox label="Outbox" entries={outbox} />}
      {maybe.length > 0 && (
        <>
          <p class="late">Too old to be sent by themselves: nobody knows whether their receivers have them.</p>
          <Outbox label="Too old" entries={maybe} />
        </>
      )}
    </Panel>
  );
}

function Outbox({ label, entries }: { readonly label: string; readonly entries: readonly OutboxEntry[] }): JSX.Element {
  return (
    <Table
      label={label}
      columns={['to', 'event', 'since']}
      rows={entries.map(({ id, to, event, atMs }) => ({
        key: id + to,
        cells: [<code>{to}</code>, <code>{event.type}</code>, <Ago ms={atMs} />],
      }))}
    />
  );
}

function Numbers({ agent }: { readonly agent: AgentInspection }): JSX.Element {
  const { turns, bornMs, updatedMs, lease, revision, cursor, machineVersion, incarnation, sizes } = agent;
  return (
    <Panel title="Record">
      <Facts
        facts={[
          ['turns', count(turns)],
          ['born', <Ago ms={bornMs} />],
          ['changed', <Ago ms={updatedMs} />],
          ['runs on', lease.live ? <code>{lease.holder}</code> : 'nobody: it costs nothing'],
          ['machine version', String(machineVersion)],
          ['life', String(incarnation)],
          ['revision', count(revision)],
          ['cursor', count(cursor)],
          ['record', bytes(sizes.recordBytes)],
        ]}
      />
    </Panel>
  );
}
