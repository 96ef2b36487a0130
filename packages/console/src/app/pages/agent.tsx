/** One agent: why it sleeps, what wakes it, and everything that is known of it. Looking wakes it not. */
import type { AgentInspection } from '@wakebus/client';
import type { RegisteredType } from '@wakebus/protocol';
import type { ComponentChildren, JSX } from 'preact';
import { agentPath } from '../api/gateway.ts';
import { Command, Page, Shown } from '../parts/blocks.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Due, For, Lifecycle } from '../parts/words.tsx';
import { agentAction, sendAction, verbsFor } from '../state/agent-actions.ts';
import { ask } from '../state/asking.ts';
import { exampleOf } from '../state/example.ts';
import { follow } from '../state/live.ts';
import { changeQuery, route } from '../state/route.ts';
import { type Reading, useRead } from '../state/use-read.ts';
import { commandLine, counted } from '../state/words.ts';
import { timerText } from '../statechart/chart.ts';
import { EffectsTab } from './agent-effects.tsx';
import { HistoryTab } from './agent-history.tsx';
import { NowTab } from './agent-now.tsx';
import { RawTab } from './agent-raw.tsx';
import { ChainPanel } from './chain.tsx';

const tabs = [
  { id: 'now', name: 'Now' },
  { id: 'history', name: 'History' },
  { id: 'wakes', name: 'Wakes' },
  { id: 'effects', name: 'Effects' },
  { id: 'raw', name: 'Raw' },
] as const;

export function AgentPage({ address }: { readonly address: string }): JSX.Element {
  follow(address);
  const reading = useRead<AgentInspection>(agentPath(address));
  const type = useRead<RegisteredType>(`types/${encodeURIComponent(address.slice(0, address.indexOf('/')))}`, true);
  const { tab = 'now' } = route.value.query;
  return (
    <Page
      title={<span class="address">{address}</span>}
      lead={reading.value && <Why agent={reading.value} />}
      actions={<Actions address={address} lifecycle={reading.value?.lifecycle.name} type={type} />}
    >
      <Shown reading={reading}>
        {(agent) => (
          <Tabs label="Of this agent" tabs={tabs} current={tab} onChange={(next) => changeQuery({ tab: next })}>
            <Tab tab={tab} agent={agent} />
          </Tabs>
        )}
      </Shown>
      <Command text={commandLine('inspect', address)} />
    </Page>
  );
}

function Tab({ tab, agent }: { readonly tab: string; readonly agent: AgentInspection }): JSX.Element {
  switch (tab) {
    case 'history':
      return <HistoryTab address={agent.address} />;
    case 'wakes':
      return <ChainPanel target={agent.address} />;
    case 'effects':
      return <EffectsTab agent={agent} />;
    case 'raw':
      return <RawTab agent={agent} />;
    default:
      return <NowTab agent={agent} />;
  }
}

/** Why it is as it is, and what would change that. */
function Why({ agent }: { readonly agent: AgentInspection }): JSX.Element {
  const { lifecycle, waiting, attempt } = agent;
  return (
    <>
      <Lifecycle name={lifecycle.name} /> for <For ms={lifecycle.sinceMs} />
      {lifecycle.message !== undefined && <> – {lifecycle.message}</>}. <Waker agent={agent} />
      {attempt !== undefined && (
        <>
          {' '}
          It has failed {counted(attempt.count, 'time')} on the message at the head of its mailbox: {attempt.reason}
        </>
      )}
      {waiting > 0 && (
        <>
          {' '}
          {counted(waiting, 'message')} {waiting === 1 ? 'waits' : 'wait'} for it.
        </>
      )}
    </>
  );
}

const neverWakes: Readonly<Record<string, string>> = {
  suspended: 'An operator’s resume wakes it; until then its messages wait.',
  failed: 'An operator’s recover wakes it; until then its messages wait.',
  quarantined: 'It must not run until an operator has decided what its state is worth.',
  completed: 'It has reached a final state and takes no more events.',
  removed: 'It is gone; a tombstone stays.',
};

function Waker({ agent: { lifecycle, timers, journal } }: { readonly agent: AgentInspection }): ComponentChildren {
  const never = neverWakes[lifecycle.name];
  if (never !== undefined) return never;
  if (lifecycle.name === 'awake') return 'It sleeps when nothing more comes.';
  const [next] = timers.filter(({ leftMs }) => leftMs === undefined).toSorted((a, b) => a.dueMs - b.dueMs);
  const isUnderWay = journal.some(({ state }) => state === 'planned' || state === 'started');
  return (
    <>
      Any message wakes it
      {next !== undefined && (
        <>
          , or the timer “{timerText(next.id)}” <Due ms={next.dueMs} />
        </>
      )}
      {isUnderWay && ', or the end of its effects'}.
    </>
  );
}

interface ActionsProps {
  readonly address: string;
  readonly lifecycle: string | undefined;
  readonly type: Reading<RegisteredType>;
}

function Actions({ address, lifecycle, type: { value } }: ActionsProps): JSX.Element {
  const send = (): void =>
    ask(sendAction(address, value?.events.filter(isOutside) ?? [], (event) => exampleOf(value?.schemas?.[event])));
  return (
    <>
      {lifecycle !== 'removed' && lifecycle !== 'completed' && (
        <button type="button" class="primary" onClick={send}>
          Send an event
        </button>
      )}
      {verbsFor(lifecycle ?? 'removed').map((verb) => (
        <button key={verb} type="button" onClick={() => ask(agentAction(verb, [address]))}>
          {verb}
        </button>
      ))}
    </>
  );
}

function isOutside(event: string): boolean {
  return !event.startsWith('xstate.') && !event.startsWith('wakebus.');
}
