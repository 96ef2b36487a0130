/** A statechart as a drawing, with the states that an agent is in; its twin is the table below it. */
import type { JSX } from 'preact';
import { Table } from '../parts/blocks.tsx';
import { type ChartState, type StoredChart, activeIn, eventText, treeOf } from './chart.ts';
import { type Box, type Line, layoutOf } from './layout.ts';

interface StatechartProps {
  readonly chart: StoredChart;
  /** State value of the agent; none where a type is shown. */
  readonly state?: unknown;
}

/** More states than that are no picture any more. */
const MOST_STATES = 150;

export function Statechart({ chart, state }: StatechartProps): JSX.Element {
  const root = treeOf(chart);
  const active = activeIn(state);
  const all = withinOf(root);
  const isDrawn = all.length > 1 && all.length <= MOST_STATES;
  return (
    <div class="statechart">
      {isDrawn && <Drawing root={root} active={active} />}
      {all.length <= 1 && <p class="muted">One state only: it takes its events where it is.</p>}
      <details open={!isDrawn}>
        <summary>The same as a table</summary>
        <Twin states={all} active={active} />
      </details>
    </div>
  );
}

function Drawing({ root, active }: { readonly root: ChartState; readonly active: ReadonlySet<string> }): JSX.Element {
  const box = layoutOf(root);
  const names = [...active].join(', ');
  return (
    <div class="drawing" tabIndex={0} role="group" aria-label="Statechart">
      <svg
        viewBox={`0 0 ${box.width} ${box.height}`}
        style={{ width: `${box.width}px` }}
        role="img"
        aria-label={names === '' ? 'Statechart' : `Statechart; now in ${names}`}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto-start-reverse"
          >
            <path d="M0 0 8 4 0 8Z" />
          </marker>
        </defs>
        <Inside box={box} active={active} />
      </svg>
    </div>
  );
}

function Inside({ box, active }: { readonly box: Box; readonly active: ReadonlySet<string> }): JSX.Element {
  return (
    <>
      {box.notes.map((note, at) => (
        <text key={note} class="note" x={14} y={34 + at * 16}>
          {note}
        </text>
      ))}
      {box.lines.map((line, at) => (
        <path key={at} class="line" d={pathOf(line)} marker-end="url(#arrow)" />
      ))}
      {box.children.map((child) => (
        <State key={child.kind + child.path} box={child} active={active} />
      ))}
      {box.lines.map(({ label, at }, index) => (
        <Label key={index} label={label} at={at} />
      ))}
    </>
  );
}

function State({ box, active }: { readonly box: Box; readonly active: ReadonlySet<string> }): JSX.Element {
  const { x, y, width, height, kind, name, path } = box;
  if (kind === 'start') return <circle class="start" cx={x + 6} cy={y + 6} r={5} />;
  const isActive = active.has(path);
  return (
    <g transform={`translate(${x} ${y})`} class={`state ${kind}${isActive ? ' active' : ''}`}>
      <rect width={width} height={height} rx={8} />
      {kind === 'final' && <rect class="inner" x={3} y={3} width={width - 6} height={height - 6} rx={6} />}
      <text class="name" x={14} y={19}>
        {isActive ? `● ${name}` : name}
      </text>
      <Inside box={box} active={active} />
    </g>
  );
}

function Label({ label, at }: Pick<Line, 'label' | 'at'>): JSX.Element {
  return (
    <g class="label">
      {label.map((text, index) => (
        <text key={text} x={at.x} y={at.y + 4 + (index - (label.length - 1) / 2) * 16} text-anchor="middle">
          {text}
        </text>
      ))}
    </g>
  );
}

/** Through dagre's points, with rounded corners. */
function pathOf({ points }: Line): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const last = rest.at(-1) ?? first;
  const middles = rest.slice(0, -1).map((point, at) => {
    const next = rest[at + 1] ?? last;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return `M${first.x} ${first.y} ${middles.join(' ')} L${last.x} ${last.y}`;
}

function Twin({
  states,
  active,
}: {
  readonly states: readonly ChartState[];
  readonly active: ReadonlySet<string>;
}): JSX.Element {
  const rows = states.flatMap(({ path, kind, transitions }) => {
    const name = `${path === '' ? 'any state' : path}${active.has(path) ? ' (now)' : ''}`;
    if (transitions.length === 0) return path === '' ? [] : [{ key: path, cells: [name, kind, '–', '–'] }];
    return transitions.map((transition, at) => ({
      key: `${path} ${at}`,
      cells: [name, kind, eventText(transition), transition.targets.join(', ') || 'stays'],
    }));
  });
  return <Table label="States and transitions" columns={['state', 'kind', 'event', 'leads to']} rows={rows} />;
}

function withinOf(state: ChartState): ChartState[] {
  return [state, ...state.children.flatMap(withinOf)];
}
