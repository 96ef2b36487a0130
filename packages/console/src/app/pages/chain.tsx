/** One wake chain: a tree as a table, with a bar for each step where it stands in time, and sleeps folded. */
import type { Chain, ChainStep } from '@wakebus/client';
import type { JSX } from 'preact';
import { withQuery } from '../api/gateway.ts';
import { Command, Empty, Page, Panel, Shown, Table } from '../parts/blocks.tsx';
import { Icon } from '../parts/icon.tsx';
import { Agent } from '../parts/words.tsx';
import { follow } from '../state/live.ts';
import { agentHref } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { commandLine, counted, duration, stateText } from '../state/words.ts';
import { type TimeScale, criticalPath, scaleOf, stepsOf } from './chain-times.ts';

export function ChainPage({ target }: { readonly target: string }): JSX.Element {
  follow('*');
  return (
    <Page title={`Chain of ${target}`}>
      <ChainPanel target={target} />
    </Page>
  );
}

/** The chain in which something stands. */
export function ChainPanel({ target }: { readonly target: string }): JSX.Element {
  const reading = useRead<Chain>(withQuery('explain', { target }));
  if (reading.value === undefined && reading.error !== undefined)
    return <Empty command={commandLine('explain', target)}>{reading.error.message}</Empty>;
  return <Shown reading={reading}>{(chain) => <Tree chain={chain} target={target} />}</Shown>;
}

function Tree({ chain, target }: { readonly chain: Chain; readonly target: string }): JSX.Element {
  const steps = stepsOf(chain.root);
  const scale = scaleOf(steps.map(({ step }) => step));
  const critical = criticalPath(chain.root);
  const asked = `${chain.target.commit.commit} ${chain.target.event.seq}`;
  return (
    <>
      <Panel
        title="What caused what"
        note={`${counted(chain.steps, 'step')}${chain.isCut ? ' and more' : ''} in ${duration(scale.tookMs)}`}
      >
        <div class="chain">
          <Table
            label="Steps of the chain"
            columns={['event', 'agent', 'after', 'time', 'state', 'took#']}
            rows={steps.map(({ step, depth }) => ({
              key: keyOf(step),
              cells: cellsOf(step, {
                depth,
                scale,
                isCritical: critical.has(step),
                isAsked: `${step.commit.commit} ${step.event.seq}` === asked,
              }),
            }))}
          />
        </div>
        {scale.folded.length > 0 && (
          <p class="muted">
            {counted(scale.folded.length, 'sleep')} folded in the bars, the longest of{' '}
            {duration(Math.max(...scale.folded))}. Bold is the path that took longest.
          </p>
        )}
      </Panel>
      <Command text={commandLine('explain', target)} />
      {chain.traceId !== undefined && <TraceLink traceId={chain.traceId} />}
    </>
  );
}

function keyOf({ key, commit, event }: ChainStep): string {
  return `${key} ${commit.commit} ${event.seq} ${event.type}`;
}

interface StepPlace {
  readonly depth: number;
  readonly scale: TimeScale;
  readonly isCritical: boolean;
  readonly isAsked: boolean;
}

const icons = {
  outside: 'outside',
  message: 'message',
  timer: 'clock',
  effect: 'effect',
  operator: 'operator',
} as const;

function cellsOf(step: ChainStep, { depth, scale, isCritical, isAsked }: StepPlace): JSX.Element[] {
  const { address, cause, commit, event, repeats } = step;
  const from = scale.at(commit.atMs);
  return [
    <span class={`branch${isCritical ? ' critical' : ''}`} style={{ paddingLeft: `${depth * 1.1}rem` }}>
      <Icon name={icons[cause]} /> <span class="sr">{cause}: </span>
      <a href={agentHref(address, { tab: 'history', turn: String(commit.turn) })}>{event.type}</a>
      {event.gate !== undefined && <span class="late"> refused by its gate ({event.gate.rule})</span>}
      {repeats > 0 && <span class="late"> after {counted(repeats, 'repeated attempt')}</span>}
      {isAsked && <span class="muted"> ← this one</span>}
    </span>,
    <Agent address={address} />,
    <span title={new Date(commit.atMs).toLocaleString()}>{duration(commit.atMs - scale.fromMs)}</span>,
    <span class={`track${isCritical ? ' critical' : ''}`} aria-hidden="true">
      <i style={{ left: `${from * 100}%`, width: `${scale.widthOf(commit.cost?.turnMs ?? 0) * 100}%` }} />
    </span>,
    <>{stateText(commit.state)}</>,
    <>{commit.cost === undefined ? '–' : duration(commit.cost.turnMs)}</>,
  ];
}

const TEMPLATE_KEY = 'wakebus.trace-url';

/** A link into whatever keeps traces, by a template that the reader has given once. */
function TraceLink({ traceId }: { readonly traceId: string }): JSX.Element {
  const template = localStorage.getItem(TEMPLATE_KEY) ?? 'http://127.0.0.1:16686/trace/{traceId}';
  const url = template.replace('{traceId}', traceId);
  const isWeb = /^https?:\/\//.test(url);
  return (
    <Panel title="Trace" note={traceId}>
      <p>
        {isWeb && (
          <a href={url} target="_blank" rel="noreferrer noopener">
            Open it in Jaeger
          </a>
        )}
      </p>
      <div class="field">
        <label for="trace-url">Where traces are shown</label>
        <input
          id="trace-url"
          defaultValue={template}
          onChange={(event) => localStorage.setItem(TEMPLATE_KEY, event.currentTarget.value)}
        />
        <span class="hint">{'An address with {traceId} in it. It is kept in this browser.'}</span>
      </div>
    </Panel>
  );
}
