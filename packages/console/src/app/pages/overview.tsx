/** The deployment in one sentence, what needs someone first, and what woke agents of late. */
import type { AgentSummary } from '@wakebus/client';
import type { ComponentChildren, JSX } from 'preact';
import type { OverviewAnswer } from '../api/answers.ts';
import { Empty, Facts, Page, Panel, Shown, Table } from '../parts/blocks.tsx';
import { Bars } from '../parts/bars.tsx';
import { Recent } from '../parts/recent.tsx';
import { Agent, Ago, Lifecycle } from '../parts/words.tsx';
import { follow } from '../state/live.ts';
import { nowMs } from '../state/now.ts';
import { agentHref, hrefOf } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { count, counted, duration } from '../state/words.ts';

const NEEDING = ['failed', 'suspended', 'quarantined'] as const;
/** From this share on, outsiders are refused. */
const FULL = 0.8;

export function OverviewPage(): JSX.Element {
  follow('*');
  const reading = useRead<OverviewAnswer>('overview');
  return (
    <Page title={reading.value === undefined ? 'Overview' : <Sentence answer={reading.value} />}>
      <Shown reading={reading}>
        {(answer) => (
          <div class="columns">
            <Needs answer={answer} />
            <Wakes answer={answer} />
            <Panel title="Just now" note="commits as they happen">
              <Recent />
            </Panel>
            <ByType answer={answer} />
          </div>
        )}
      </Shown>
    </Page>
  );
}

/** "1,204,331 asleep · 12 awake · 3 need you". */
function Sentence({ answer: { agents } }: { readonly answer: OverviewAnswer }): JSX.Element {
  const { asleep = 0, awake = 0, ...others } = agents.byLifecycle;
  const needing = NEEDING.reduce((sum, name) => sum + (agents.byLifecycle[name] ?? 0), 0);
  const rest = Object.entries(others).filter(([name]) => !(NEEDING as readonly string[]).includes(name));
  return (
    <span class="sentence">
      <b>{count(asleep)}</b> asleep <i>·</i> <b>{count(awake)}</b> awake
      {rest.map(([name, n]) => (
        <span key={name}>
          {' '}
          <i>·</i> <b>{count(n)}</b> {name}
        </span>
      ))}{' '}
      <i>·</i>{' '}
      {needing === 0 ? (
        <span class="good">nobody needs you</span>
      ) : (
        <span class="late">
          <b>{count(needing)}</b> {needing === 1 ? 'needs' : 'need'} you
        </span>
      )}
      {agents.isCut && <small class="muted"> of the first {count(agents.total)}</small>}
    </span>
  );
}

interface Need {
  readonly key: string;
  readonly what: ComponentChildren;
  readonly why: ComponentChildren;
}

function Needs({ answer }: { readonly answer: OverviewAnswer }): JSX.Element {
  const needs = [...agentNeeds(answer), ...deploymentNeeds(answer)];
  return (
    <Panel title="Needs someone" note={needs.length > 0 ? counted(needs.length, 'thing') : undefined}>
      {needs.length === 0 ? (
        <Empty command="wakebus doctor">
          All is well: no agent is stuck, nothing was given up, every type has a node that runs it.
        </Empty>
      ) : (
        <ul class="needs">
          {needs.map(({ key, what, why }) => (
            <li key={key} data-row>
              <div>{what}</div>
              <div class="muted">{why}</div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function agentNeeds({ agents }: OverviewAnswer): Need[] {
  return [
    ...agents.needing.map((agent) => ({
      key: agent.address,
      what: (
        <>
          <Agent address={agent.address} /> <Lifecycle name={agent.lifecycle.name} />
        </>
      ),
      why: whyOf(agent),
    })),
    ...agents.unsure.map(({ address, effects = [] }) => ({
      key: `maybe ${address}`,
      what: <a href={agentHref(address, { tab: 'effects' })}>{address}</a>,
      why: `Nobody knows whether ${effects
        .filter(({ state }) => state === 'maybe')
        .map(({ id }) => id)
        .join(', ')} happened: ask the receiver, then resolve it.`,
    })),
    ...agents.overdue.map(({ address }) => ({
      key: `overdue ${address}`,
      what: <Agent address={address} />,
      why: 'It has a timer that should have fired over a minute ago: does a placement node of its type run?',
    })),
  ];
}

function whyOf({ lifecycle }: AgentSummary): ComponentChildren {
  return (
    <>
      {lifecycle.message ?? lifecycle.code ?? 'No reason is written.'} · <Ago ms={lifecycle.sinceMs} />
    </>
  );
}

function deploymentNeeds({ deadLetters, nodes, pending, streams }: OverviewAnswer): Need[] {
  const served = new Set(nodes.flatMap(({ types }) => Object.keys(types)));
  const letters: Need = {
    key: 'dead letters',
    what: <a href={hrefOf(['parked'])}>{counted(deadLetters.count, 'dead letter')}</a>,
    why: 'Messages that were given up. Mend the cause, then replay them.',
  };
  const unserved = Object.entries(pending).filter(([type]) => !served.has(type));
  const full = streams.filter(({ fill }) => fill >= FULL);
  return [
    ...(deadLetters.count > 0 ? [letters] : []),
    ...unserved.map(([type, { messages, agents }]) => ({
      key: `unserved ${type}`,
      what: <a href={hrefOf(['types'])}>{type}</a>,
      why: `${counted(messages, 'message')} for ${counted(agents, 'agent')} ${messages === 1 ? 'waits' : 'wait'}, and no living placement node runs this type.`,
    })),
    ...full.map(({ stream, fill }) => ({
      key: `full ${stream}`,
      what: <a href={hrefOf(['nodes'])}>{stream}</a>,
      why: `It is ${Math.round(fill * 100)} % full.`,
    })),
    ...(nodes.length === 0
      ? [{ key: 'nodes', what: <a href={hrefOf(['nodes'])}>No placement node lives</a>, why: 'Messages wait.' }]
      : []),
  ];
}

const sources: Readonly<Record<string, string>> = {
  event: 'from outside',
  message: 'by other agents',
  timer: 'by the clock',
  effect: 'by effects that ended',
  control: 'by operators',
  mailbox: 'by what had waited',
};

function Wakes({ answer: { wakes, pending } }: { readonly answer: OverviewAnswer }): JSX.Element {
  const spanMs = Math.max(1, nowMs.value - wakes.fromMs);
  const rows = Object.entries(wakes.wakes)
    .map(([source, n]) => ({ label: sources[source] ?? source, value: n, note: perMinute(n, spanMs) }))
    .toSorted((a, b) => b.value - a.value);
  const waiting = Object.values(pending).reduce((sum, { messages }) => sum + messages, 0);
  return (
    <Panel title="Wakes" note={wakes.commits > 0 ? `of the last ${counted(wakes.commits, 'turn')}` : undefined}>
      {rows.length === 0 ? (
        <Empty command="wakebus send hello/ada greet --wait">
          Nobody has been woken in the time that history keeps.
        </Empty>
      ) : (
        <Bars label="Wakes by source" rows={rows} />
      )}
      <Facts
        facts={[
          ['turns, half of them within', wakes.turnMs && duration(wakes.turnMs.p50)],
          ['99 of 100 within', wakes.turnMs && duration(wakes.turnMs.p99)],
          ['kept back by gates', wakes.gated > 0 ? counted(wakes.gated, 'event') : undefined],
          ['waiting in mailboxes', counted(waiting, 'message')],
        ]}
      />
    </Panel>
  );
}

function perMinute(n: number, spanMs: number): string {
  const rate = (n * 60_000) / spanMs;
  return `${rate >= 10 ? count(Math.round(rate)) : rate.toFixed(rate < 0.1 ? 2 : 1)} a minute`;
}

function ByType({ answer: { agents, pending } }: { readonly answer: OverviewAnswer }): JSX.Element {
  const types = Object.entries(agents.byType).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <Panel title="Agents by type">
      {types.length === 0 ? (
        <Empty command="wakebus send hello/ada greet --wait">No agent has been born. One is, by its first event.</Empty>
      ) : (
        <Table
          label="Agents by type"
          columns={['type', 'agents#', 'awake#', 'waiting#']}
          rows={types.map(([type, by]) => ({
            key: type,
            cells: [
              <a href={hrefOf(['agents'], { type })}>{type}</a>,
              count(Object.values(by).reduce((sum, n) => sum + n, 0)),
              count(by['awake'] ?? 0),
              count(pending[type]?.messages ?? 0),
            ],
          }))}
        />
      )}
    </Panel>
  );
}
