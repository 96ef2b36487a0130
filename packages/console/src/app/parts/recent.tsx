/** The newest commits that the stream has brought. */
import type { JSX } from 'preact';
import { recentCommits } from '../state/live.ts';
import { agentHref } from '../state/route.ts';
import { stateText } from '../state/words.ts';
import { Empty } from './blocks.tsx';
import { Agent, Ago } from './words.tsx';

const SHOWN = 12;

export function Recent(): JSX.Element {
  const commits = recentCommits.value.slice(0, SHOWN);
  if (commits.length === 0)
    return <Empty command="wakebus tail">Quiet: nothing has been committed since this page was opened.</Empty>;
  return (
    <ol class="recent">
      {commits.map(({ seq, address, events, state, turn, atMs }) => (
        <li key={seq} data-row>
          <Agent address={address} />
          <a class="muted" href={agentHref(address, { tab: 'history', turn: String(turn) })}>
            {events.map(({ type }) => type).join(', ') || 'commit'} → {stateText(state)}
          </a>
          <span class="muted">
            <Ago ms={atMs} />
          </span>
        </li>
      ))}
    </ol>
  );
}
