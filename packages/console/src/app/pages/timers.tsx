/** What is pending by the clock in the whole deployment: overdue first, then what comes next. */
import type { AgentTimer, TimerCensus } from '@wakebus/client';
import type { JSX } from 'preact';
import { Bars } from '../parts/bars.tsx';
import { Empty, Page, Panel, Shown, Table } from '../parts/blocks.tsx';
import { Agent, Due } from '../parts/words.tsx';
import { timerAction } from '../state/agent-actions.ts';
import { ask } from '../state/asking.ts';
import { follow } from '../state/live.ts';
import { nowMs } from '../state/now.ts';
import { useRead } from '../state/use-read.ts';
import { count, counted, duration } from '../state/words.ts';
import { timerText } from '../statechart/chart.ts';

/** As the gateway counts it: schedules fire late by a quarter of a second. */
const OVERDUE_AFTER_MS = 60_000;

export function TimersPage(): JSX.Element {
  follow('*');
  const reading = useRead<TimerCensus & { readonly isCut: boolean }>('timers');
  return (
    <Page title="Timers" lead="Delayed events and schedules: what wakes agents without anybody’s doing.">
      <Shown reading={reading}>
        {(timers) =>
          timers.total === 0 ? (
            <Empty command="wakebus timers list">Nothing is due: agents wake on messages only.</Empty>
          ) : (
            <Whole timers={timers} />
          )
        }
      </Shown>
    </Page>
  );
}

function Whole({ timers }: { readonly timers: TimerCensus & { readonly isCut: boolean } }): JSX.Element {
  const overdue = timers.next.filter(({ dueMs }) => dueMs < nowMs.value - OVERDUE_AFTER_MS);
  const coming = timers.next.filter((timer) => !overdue.includes(timer));
  return (
    <>
      <div class="columns">
        <Panel title="Overdue" note={timers.overdue > 0 ? count(timers.overdue) : undefined}>
          {overdue.length === 0 ? (
            <Empty>None: every timer has fired on time.</Empty>
          ) : (
            <TimerTable label="Overdue timers" timers={overdue} />
          )}
        </Panel>
        <Panel title="When they are due" note={`${counted(timers.total, 'timer')}${timers.isCut ? ' and more' : ''}`}>
          <Bars label="Timers by when they are due" rows={barsOf(timers)} />
        </Panel>
      </div>
      <Panel title="Next" note={coming.length < timers.total ? `the first ${count(coming.length)}` : undefined}>
        <TimerTable label="Next timers" timers={coming} />
      </Panel>
    </>
  );
}

function barsOf({ dueWithin, overdue }: TimerCensus): Parameters<typeof Bars>[0]['rows'] {
  const late = { label: 'overdue', value: overdue, note: count(overdue), isBad: overdue > 0 };
  const coming = dueWithin.map(({ ms, count: n }) => ({
    // JSON has no word for what has no end.
    label: typeof ms === 'number' ? `within ${duration(ms)}` : 'later',
    value: n,
    note: count(n),
  }));
  return [late, ...coming];
}

function TimerTable({
  label,
  timers,
}: {
  readonly label: string;
  readonly timers: readonly AgentTimer[];
}): JSX.Element {
  return (
    <Table
      label={label}
      columns={['agent', 'timer', 'due', 'event', 'do']}
      rows={timers.map((timer) => ({ key: `${timer.agent} ${timer.id}`, cells: cellsOf(timer) }))}
    />
  );
}

function cellsOf({ agent, id, dueMs, event, schedule }: AgentTimer): JSX.Element[] {
  return [
    <Agent address={agent} />,
    <span title={id}>
      {timerText(id)}
      {schedule !== undefined && <span class="muted"> schedule</span>}
    </span>,
    <Due ms={dueMs} />,
    <code>{timerText(event.type)}</code>,
    <>
      <button type="button" class="quiet" onClick={() => ask(timerAction('fire', agent, id))}>
        fire
      </button>
      <button type="button" class="quiet" onClick={() => ask(timerAction('cancel', agent, id))}>
        cancel
      </button>
    </>,
  ];
}
