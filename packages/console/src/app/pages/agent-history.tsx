/** What an agent has done, turn by turn: a slider over its commits, each with its events, states, outputs and cost. */
import type { HistoryPage, PastCommit } from '@wakebus/client';
import type { HistoryEvent } from '@wakebus/protocol';
import type { ComponentChildren, JSX } from 'preact';
import { agentPath, withQuery } from '../api/gateway.ts';
import { Empty, Facts, Panel, Shown, Table } from '../parts/blocks.tsx';
import { Json } from '../parts/json-view.tsx';
import { Ago } from '../parts/words.tsx';
import { changeQuery, hrefOf, route } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { bytes, count, duration, stateText } from '../state/words.ts';

const NEWEST = 500;

export function HistoryTab({ address }: { readonly address: string }): JSX.Element {
  const reading = useRead<HistoryPage>(withQuery(`${agentPath(address)}/history`, { last: NEWEST }));
  return (
    <Shown reading={reading}>
      {({ commits }) => {
        const turns = oncePerCommit(commits);
        return turns.length === 0 ? (
          <Empty command={`wakebus send ${address} <event> --wait`}>
            History has no turn of it; it keeps seven days.
          </Empty>
        ) : (
          <Turns turns={turns} />
        );
      }}
    </Shown>
  );
}

/** History is at least once: after a crash a commit may stand in it twice, the first time with its payloads. */
function oncePerCommit(commits: readonly PastCommit[]): PastCommit[] {
  const byCommit = new Map<string, PastCommit>();
  for (const each of commits) if (!byCommit.has(each.commit)) byCommit.set(each.commit, each);
  return [...byCommit.values()].toSorted((a, b) => a.turn - b.turn);
}

function Turns({ turns }: { readonly turns: readonly PastCommit[] }): JSX.Element | null {
  const wanted = Number(route.value.query['turn']);
  const found = turns.findIndex(({ turn }) => turn === wanted);
  const at = found < 0 ? turns.length - 1 : found;
  const [shown, before] = [turns[at], turns[at - 1]];
  if (shown === undefined) return null;
  const show = (index: number): void => changeQuery({ turn: String(turns[index]?.turn ?? '') });
  return (
    <>
      <div class="slider">
        <button type="button" aria-label="The turn before" disabled={at === 0} onClick={() => show(at - 1)}>
          ‹
        </button>
        <input
          type="range"
          aria-label="Turn"
          aria-valuetext={`turn ${shown.turn}`}
          min={0}
          max={turns.length - 1}
          value={at}
          onInput={(event) => show(Number(event.currentTarget.value))}
        />
        <button
          type="button"
          aria-label="The next turn"
          disabled={at === turns.length - 1}
          onClick={() => show(at + 1)}
        >
          ›
        </button>
        <b>turn {count(shown.turn)}</b>
        <span class="muted">
          {at + 1} of {turns.length}, <Ago ms={shown.atMs} />
        </span>
      </div>
      <Turn shown={shown} before={before} />
    </>
  );
}

function Turn({ shown, before }: { readonly shown: PastCommit; readonly before: PastCommit | undefined }): JSX.Element {
  const { events, outputs, effects = [], cost, node, tries = 0, wake, lifecycle, address } = shown;
  const slept = before === undefined ? undefined : shown.atMs - before.atMs;
  return (
    <div class="columns">
      <Panel title="Events" note={wake === undefined ? 'taken while awake' : 'this woke it'}>
        {events.map((event) => (
          <Taken key={`${event.seq} ${event.type}`} event={event} address={address} />
        ))}
      </Panel>
      <Panel title="State">
        <p class="states">
          <span class="muted">{before === undefined ? 'born' : stateText(before.state)}</span> →{' '}
          <b>{stateText(shown.state)}</b>
        </p>
        <Facts
          facts={[
            ['after the turn before', slept === undefined ? undefined : duration(slept)],
            ['lifecycle then', lifecycle],
            ['ran on', <code>{node}</code>],
            ['took', cost && duration(cost.turnMs)],
            ['record', cost && bytes(cost.recordBytes)],
            ['failed tries before', tries > 0 ? String(tries) : undefined],
          ]}
        />
      </Panel>
      <Panel title="Outputs" note={outputs.length > 0 ? String(outputs.length) : undefined}>
        {outputs.length === 0 ? (
          <p class="muted">None: only its state has changed.</p>
        ) : (
          <ul class="outputs">
            {outputs.map((output, at) => (
              <li key={at}>
                <code>{output}</code>
              </li>
            ))}
          </ul>
        )}
        {effects.length > 0 && (
          <Table
            label="Effects of this turn"
            columns={['effect', 'state', 'attempt#', 'key']}
            rows={effects.map(({ id, state, attempt, key }) => ({
              key,
              cells: [id, state, attempt, <code>{key}</code>],
            }))}
          />
        )}
      </Panel>
    </div>
  );
}

function Taken({ event, address }: { readonly event: HistoryEvent; readonly address: string }): JSX.Element {
  const { seq, type, from, id, payload, gate } = event;
  return (
    <article class="taken">
      <h3>
        <code>{type}</code>
        <a class="muted" href={hrefOf(['wakes', `${address}#${seq}`])}>
          why, and what followed
        </a>
      </h3>
      <p class="muted">{originOf(from, id)}</p>
      {gate !== undefined && (
        <p class="late">
          Kept back by its gate: {gate.verdict} by {gate.rule}, {gate.reason}
        </p>
      )}
      {payload !== undefined && <Json value={payload} />}
    </article>
  );
}

function originOf(from: string | undefined, id: string | undefined): ComponentChildren {
  return `${from === undefined ? 'from outside' : `from ${from}`}${id === undefined ? '' : `, ID ${id}`}`;
}
