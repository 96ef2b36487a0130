/** All agents, page by page as one scrolls, those that changed longest ago first. */
import type { AgentPage } from '@wakebus/client';
import type { RegisteredType } from '@wakebus/protocol';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ListedAgent } from '../api/answers.ts';
import { read, withQuery } from '../api/gateway.ts';
import { Empty, Page, Problem } from '../parts/blocks.tsx';
import { VirtualTable } from '../parts/virtual-table.tsx';
import { Agent, Ago, Due, Lifecycle } from '../parts/words.tsx';
import { type AgentVerb, agentAction, agentVerbs } from '../state/agent-actions.ts';
import { ask } from '../state/asking.ts';
import { follow, pulse } from '../state/live.ts';
import { changeQuery, route } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { timerText } from '../statechart/chart.ts';
import { bytes, count, counted, stateText } from '../state/words.ts';

const PAGE_SIZE = 500;
const lifecycles = [
  'asleep',
  'awake',
  'paused',
  'backoff',
  'failed',
  'suspended',
  'completed',
  'quarantined',
  'removed',
];

const columns = [
  { name: 'Select', width: '3.5rem' },
  { name: 'Address', width: 'minmax(14rem, 2fr)' },
  { name: 'Lifecycle', width: '9rem' },
  { name: 'State', width: 'minmax(7rem, 1fr)' },
  { name: 'Last event', width: 'minmax(11rem, 1.4fr)' },
  { name: 'Next wake', width: 'minmax(10rem, 1.2fr)' },
  { name: 'Mailbox', width: '5.5rem', isNumber: true },
  { name: 'Retries', width: '5rem', isNumber: true },
  { name: 'Size', width: '5rem', isNumber: true },
];

export function AgentsPage(): JSX.Element {
  const { type = '', lifecycle = '' } = route.value.query;
  follow(type === '' ? '*' : `${type}/*`);
  const listing = useListing(type, lifecycle);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { agents } = listing;
  const toggle = (address: string): void => setChosen(toggled(chosen, address));
  return (
    <Page
      title="Agents"
      lead={`${count(agents.length)}${listing.isWhole ? '' : '+'} shown, those that changed longest ago first`}
      actions={<Filters type={type} lifecycle={lifecycle} />}
    >
      {listing.error !== undefined && <Problem error={listing.error} />}
      {chosen.size > 0 && <Bulk chosen={[...chosen]} onEnd={() => setChosen(new Set())} />}
      {agents.length === 0 && listing.isWhole ? (
        <Empty command={`wakebus send ${type === '' ? 'hello' : type}/ada greet --wait`}>
          {lifecycle === '' ? 'No agent here yet. One is born by its first event.' : `No agent is ${lifecycle}.`}
        </Empty>
      ) : (
        <VirtualTable
          label="Agents"
          columns={columns}
          rows={agents}
          keyOf={({ key }) => key}
          cells={(agent) => cellsOf(agent, chosen.has(agent.address), toggle)}
          onEnd={listing.more}
        />
      )}
    </Page>
  );
}

function toggled(chosen: ReadonlySet<string>, address: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(address)) next.add(address);
  return next;
}

function cellsOf(agent: ListedAgent, isChosen: boolean, toggle: (address: string) => void): JSX.Element[] {
  const { address, lifecycle, state, last, waiting = 0, attempts = 0, sizeBytes } = agent;
  return [
    <input type="checkbox" aria-label={`Select ${address}`} checked={isChosen} onChange={() => toggle(address)} />,
    <Agent address={address} />,
    <Lifecycle name={lifecycle.name} />,
    <>{stateText(state)}</>,
    last === undefined ? (
      <span class="muted">–</span>
    ) : (
      <>
        <code>{last.type}</code> <Ago ms={last.atMs} />
      </>
    ),
    <NextWake agent={agent} />,
    <>{waiting > 0 ? count(waiting) : <span class="muted">0</span>}</>,
    <>{attempts > 0 ? <span class="late">{attempts}</span> : <span class="muted">0</span>}</>,
    <>{bytes(sizeBytes)}</>,
  ];
}

function NextWake({ agent: { nextWakeMs, timers = [], lifecycle } }: { readonly agent: ListedAgent }): JSX.Element {
  const timer = timers.find(({ dueMs, leftMs }) => leftMs === undefined && dueMs === nextWakeMs);
  if (nextWakeMs !== undefined)
    return (
      <>
        <Due ms={nextWakeMs} /> <span class="muted">{timer === undefined ? 'effect' : timerText(timer.id)}</span>
      </>
    );
  const isStuck = ['failed', 'suspended', 'quarantined', 'removed', 'completed'].includes(lifecycle.name);
  return <span class="muted">{isStuck ? 'never by itself' : 'on message'}</span>;
}

function Filters({ type, lifecycle }: { readonly type: string; readonly lifecycle: string }): JSX.Element {
  const { value } = useRead<{ readonly types: readonly RegisteredType[] }>('types', true);
  const names = value?.types.map((each) => each.type) ?? [];
  const all = type === '' || names.includes(type) ? names : [type, ...names];
  return (
    <>
      <Choice label="Type" value={type} all={all} onChange={(next) => changeQuery({ type: next })} />
      <Choice
        label="Lifecycle"
        value={lifecycle}
        all={lifecycles}
        onChange={(next) => changeQuery({ lifecycle: next })}
      />
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly all: readonly string[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, all, onChange }: ChoiceProps): JSX.Element {
  return (
    <label class="choice">
      {label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">all</option>
        {all.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

function Bulk({ chosen, onEnd }: { readonly chosen: readonly string[]; readonly onEnd: () => void }): JSX.Element {
  const begin = (verb: AgentVerb): void => ask(agentAction(verb, chosen));
  return (
    <div class="bulk" role="group" aria-label="With the chosen agents">
      <b>{counted(chosen.length, 'agent')} chosen</b>
      {agentVerbs.map((verb) => (
        <button key={verb} type="button" onClick={() => begin(verb)}>
          {verb}
        </button>
      ))}
      <button type="button" class="quiet" onClick={onEnd}>
        choose none
      </button>
    </div>
  );
}

interface Listing {
  readonly agents: readonly ListedAgent[];
  readonly isWhole: boolean;
  readonly error: Error | undefined;
  readonly more: () => void;
}

interface Loaded {
  readonly agents: readonly ListedAgent[];
  readonly cursor: string | undefined;
  readonly isWhole: boolean;
}

const NOTHING: Loaded = { agents: [], cursor: undefined, isWhole: false };

/** Pages as they are asked for. What has changed since comes at the end of the list, so it is read on from there when something happens. */
function useListing(type: string, lifecycle: string): Listing {
  const [loaded, setLoaded] = useState(NOTHING);
  const [error, setError] = useState<Error>();
  const work = useRef({ turn: 0, isBusy: false, loaded: NOTHING });
  const beat = pulse.value;
  const step = async (from: Loaded): Promise<void> => {
    const { turn } = work.current;
    work.current.isBusy = true;
    try {
      const query = { type, lifecycle, limit: PAGE_SIZE, cursor: from.cursor, waiting: 1 };
      const page = await read<AgentPage>(withQuery('agents', query));
      if (turn !== work.current.turn) return;
      work.current.loaded = joined(from, page);
      setLoaded(work.current.loaded);
      setError(undefined);
    } catch (thrown) {
      if (turn === work.current.turn) setError(thrown as Error);
    } finally {
      if (turn === work.current.turn) work.current.isBusy = false;
    }
  };
  useEffect(() => {
    work.current = { turn: work.current.turn + 1, isBusy: false, loaded: NOTHING };
    setLoaded(NOTHING);
    void step(NOTHING);
  }, [type, lifecycle]);
  useEffect(() => {
    // A short list is read anew: agents leave a lifecycle, too. A long one only where its end is.
    const { isBusy, loaded: now } = work.current;
    if (isBusy || !now.isWhole || now.agents.length > PAGE_SIZE) return;
    void step(NOTHING);
  }, [beat]);
  const more = (): void => {
    const { isBusy, loaded: now } = work.current;
    if (!isBusy && !now.isWhole) void step(now);
  };
  return { agents: loaded.agents, isWhole: loaded.isWhole, error, more };
}

/** An agent that has changed in between stands in the later page, too. */
function joined(before: Loaded, { agents, cursor }: AgentPage): Loaded {
  const newer = new Set(agents.map(({ key }) => key));
  const kept = before.agents.filter(({ key }) => !newer.has(key));
  return { agents: [...kept, ...agents], cursor: cursor ?? before.cursor, isWhole: cursor === undefined };
}
