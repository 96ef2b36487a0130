/** What an agent has under way in the world outside, and an operator's word where nobody knows. */
import type { AgentInspection } from '@wakebus/client';
import type { JournalEntry } from '@wakebus/protocol';
import type { JSX } from 'preact';
import { Empty, Panel, Table } from '../parts/blocks.tsx';
import { Ago, Code, Due } from '../parts/words.tsx';
import { resolveAction } from '../state/agent-actions.ts';
import { ask } from '../state/asking.ts';

export function EffectsTab({ agent: { address, journal } }: { readonly agent: AgentInspection }): JSX.Element {
  return (
    <Panel title="Effects" note="those that are open, and the last few that are over">
      {journal.length === 0 ? (
        <Empty command="wakebus effects list">None: it has nothing under way in the world outside.</Empty>
      ) : (
        <Table
          label="Effects"
          columns={['effect', 'state', 'target', 'attempt#', 'when', 'error', 'key']}
          rows={journal.map((entry) => ({ key: entry.key, cells: cellsOf(address, entry) }))}
        />
      )}
    </Panel>
  );
}

function cellsOf(address: string, entry: JournalEntry): JSX.Element[] {
  const { id, actor, state, target, attempt, error, key } = entry;
  const name = actor === undefined ? id : `${actor}/${id}`;
  return [
    <code>{name}</code>,
    <>
      <span class={`badge effect-${state}`}>{state}</span>
      {state === 'maybe' && (
        <button type="button" class="primary" onClick={() => ask(resolveAction(address, name, key))}>
          Resolve
        </button>
      )}
    </>,
    <>{target}</>,
    <>{attempt}</>,
    <When entry={entry} />,
    error === undefined ? (
      <span class="muted">–</span>
    ) : (
      <>
        <Code code={error.code} /> {error.message}
      </>
    ),
    <code>{key}</code>,
  ];
}

function When({
  entry: { endedMs, notBeforeMs, deadlineMs, plannedMs },
}: {
  readonly entry: JournalEntry;
}): JSX.Element {
  if (endedMs !== undefined)
    return (
      <>
        ended <Ago ms={endedMs} />
      </>
    );
  if (notBeforeMs !== undefined)
    return (
      <>
        again <Due ms={notBeforeMs} />
      </>
    );
  return deadlineMs === undefined ? (
    <>
      planned <Ago ms={plannedMs} />
    </>
  ) : (
    <>
      until <Due ms={deadlineMs} />
    </>
  );
}
