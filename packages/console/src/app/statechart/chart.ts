/** The statechart of a type as the registry keeps it, made into a tree of states. Pure. */
import type { ChartNode, ChartTransition, StateChart } from '@wakebus/core';
import { duration } from '../state/words.ts';

/** `/types/:type/chart`. */
export interface StoredChart {
  readonly version: number;
  readonly states: StateChart;
  /** Not there where an older placement node has stored it. */
  readonly nodes?: Readonly<Record<string, ChartNode>>;
}

/** One state, with those inside. */
export interface ChartState {
  /** Keys joined by dots; the root's is empty. */
  readonly path: string;
  readonly name: string;
  readonly kind: ChartNode['kind'];
  readonly initial: string | undefined;
  readonly transitions: readonly ChartTransition[];
  readonly children: readonly ChartState[];
}

/** What a transition is called where it needs no event. */
const ALWAYS = 'always';

/** The tree. Where the kinds of states are not known, they are guessed from who is inside whom. */
export function treeOf(chart: StoredChart): ChartState {
  const paths = pathsOf(chart);
  const build = (path: string): ChartState => {
    const children = paths.filter((other) => other !== '' && parentOf(other) === path).map(build);
    const node = chart.nodes?.[path];
    const always = (node?.always ?? []).map((transition) => ({ ...transition, event: ALWAYS }));
    return {
      path,
      name: path.slice(path.lastIndexOf('.') + 1),
      kind: node?.kind ?? (children.length > 0 ? 'compound' : 'atomic'),
      initial: node?.initial,
      transitions: [...(chart.states[path] ?? []), ...always],
      children,
    };
  };
  return build('');
}

/** Every state that is named, and those around it. */
function pathsOf({ states, nodes = {} }: StoredChart): string[] {
  const named = [...Object.keys(nodes), ...Object.keys(states)];
  const targets = Object.values(states).flatMap((transitions) => transitions.flatMap((each) => each.targets));
  const all = new Set(['']);
  for (const path of [...named, ...targets]) for (const each of withParents(path)) all.add(each);
  return [...all];
}

function withParents(path: string): string[] {
  const keys = path.split('.');
  return keys.map((_, at) => keys.slice(0, at + 1).join('.'));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

/** The states that a state value names, and those around them, by their paths. */
export function activeIn(value: unknown, above: string = ''): Set<string> {
  if (typeof value === 'string') return new Set(withParents(above + value));
  if (typeof value !== 'object' || value === null) return new Set();
  const active = new Set<string>();
  for (const [name, below] of Object.entries(value)) {
    for (const path of withParents(above + name)) active.add(path);
    for (const path of activeIn(below, `${above}${name}.`)) active.add(path);
  }
  return active;
}

/** An event as people know it: `after 7 d` for what XState calls `xstate.after.604800000.issue.open`. */
export function eventText({ event, isGuarded }: Pick<ChartTransition, 'event' | 'isGuarded'>): string {
  return `${timerText(event)}${isGuarded ? ' [if]' : ''}`;
}

/** The same of an event or a timer alone. */
export function timerText(event: string): string {
  const [, afterMs] = /^xstate\.after\.(\d+)\./.exec(event) ?? [];
  if (afterMs !== undefined) return `after ${duration(Number(afterMs))}`;
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(event) ?? [];
  if (delay !== undefined) return `after ${delay}`;
  const [, end, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event) ?? [];
  if (actor !== undefined) return `${actor} ${end === 'done' ? 'done' : 'failed'}`;
  return event.startsWith('xstate.done.state.') ? 'all done' : event;
}
