/**
 * Where the states of a statechart are drawn. Level by level: dagre throws on an edge that touches a compound node, so
 * each state lays out its own children, and is a plain box for the level above. Pure: a tree in, boxes and lines out.
 */
import { type Edge, Graph, layout as layOut } from '@dagrejs/dagre';
import { type ChartState, eventText } from './chart.ts';

/** A box, and what is in it; places are relative to the box around it. */
export interface Box {
  readonly path: string;
  readonly name: string;
  readonly kind: ChartState['kind'] | 'start';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Events that do not leave it. */
  readonly notes: readonly string[];
  readonly children: readonly Box[];
  readonly lines: readonly Line[];
}

/** An edge between two boxes of one level. */
export interface Line {
  readonly points: ReadonlyArray<{ readonly x: number; readonly y: number }>;
  readonly label: readonly string[];
  readonly at: { readonly x: number; readonly y: number };
}

/** Sizes in pixels, of text as the style sheet sets it. */
const CHARACTER = 6.9;
const TEXT_LINE = 16;
const HEAD = 28;
const PADDING = 14;
const MOST_CHARACTERS = 28;
const START = 'start';

/** @param root - Of which the box is the whole drawing. */
export function layoutOf(root: ChartState): Box {
  return boxOf(root);
}

function boxOf(state: ChartState): Box {
  const notes = notesOf(state);
  const textWidth = Math.max(...[state.name, ...notes].map((text) => shorten(text).length * CHARACTER));
  const head = HEAD + notes.length * TEXT_LINE;
  const base = { path: state.path, name: state.name, kind: state.kind, x: 0, y: 0, notes: notes.map(shorten) };
  if (state.children.length === 0)
    return { ...base, width: Math.max(64, textWidth + 2 * PADDING), height: head + 6, children: [], lines: [] };
  const inner = levelOf(state);
  const isRoot = state.path === '';
  const top = isRoot && notes.length === 0 ? PADDING : head + 6;
  const shift = { x: PADDING, y: top };
  return {
    ...base,
    width: Math.max(inner.width, textWidth) + 2 * PADDING,
    height: inner.height + top + PADDING,
    children: inner.boxes.map((box) => ({ ...box, x: box.x + shift.x, y: box.y + shift.y })),
    lines: inner.lines.map((line) => moved(line, shift)),
  };
}

interface Level {
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

/** The children of one state, laid out among each other. */
function levelOf(state: ChartState): Level {
  const graph = new Graph({ multigraph: false });
  graph.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 46, edgesep: 18, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  const boxes = state.children.map((child) => boxOf(child));
  for (const { path, width, height } of boxes) graph.setNode(path, { width, height });
  for (const [from, to, label] of edgesOf(state)) graph.setEdge(from, to, { ...sizeOf(label), label, labelpos: 'c' });
  if (state.initial !== undefined && graph.hasNode(state.initial)) {
    graph.setNode(START, { width: 12, height: 12 });
    graph.setEdge(START, state.initial, { width: 0, height: 0, label: [] });
  }
  layOut(graph);
  const placed = boxes.map((box) => placedAt(box, graph.node(box.path)));
  if (graph.hasNode(START)) placed.push(placedAt(startBox, graph.node(START)));
  const { width = 0, height = 0 } = graph.graph();
  return { boxes: placed, lines: graph.edges().map((edge: Edge) => lineOf(graph.edge(edge))), width, height };
}

const startBox: Box = {
  path: '',
  name: '',
  kind: START,
  x: 0,
  y: 0,
  width: 12,
  height: 12,
  notes: [],
  children: [],
  lines: [],
};

/** dagre speaks of middles. */
function placedAt(box: Box, { x, y }: { readonly x: number; readonly y: number }): Box {
  return { ...box, x: x - box.width / 2, y: y - box.height / 2 };
}

interface DrawnEdge {
  readonly points: Line['points'];
  readonly label?: readonly string[];
  readonly x?: number;
  readonly y?: number;
}

function lineOf({ points, label = [], x = 0, y = 0 }: DrawnEdge): Line {
  return { points, label, at: { x, y } };
}

function moved({ points, label, at }: Line, by: { readonly x: number; readonly y: number }): Line {
  const move = (point: { readonly x: number; readonly y: number }) => ({ x: point.x + by.x, y: point.y + by.y });
  return { points: points.map(move), label, at: move(at) };
}

/** Transitions between two children of a state, whoever inside of them has them; those between the same two together. */
function edgesOf(state: ChartState): Array<readonly [from: string, to: string, label: string[]]> {
  const edges = new Map<string, readonly [string, string, string[]]>();
  for (const source of statesIn(state)) {
    for (const transition of source.transitions) {
      for (const target of transition.targets) {
        const [from, to] = [childOf(state, source.path), childOf(state, target)];
        if (from === undefined || to === undefined || from === to) continue;
        const text = shorten(source.path === from ? eventText(transition) : `${source.name}: ${eventText(transition)}`);
        const known = edges.get(`${from}\n${to}`) ?? [from, to, []];
        if (!known[2].includes(text)) known[2].push(text);
        edges.set(`${from}\n${to}`, known);
      }
    }
  }
  return [...edges.values()];
}

function statesIn(state: ChartState): ChartState[] {
  return state.children.flatMap((child) => [child, ...statesIn(child)]);
}

/** The child of a state in which another one is. */
function childOf(state: ChartState, path: string): string | undefined {
  return state.children.find((child) => child.path === path || path.startsWith(`${child.path}.`))?.path;
}

/** What stays in the state, or begins it anew, or goes from it into its own inside. */
function notesOf({ path, transitions }: ChartState): string[] {
  const stays = transitions.filter(({ targets }) => targets.length === 0).map((each) => eventText(each));
  const again = transitions.filter(({ targets }) => targets.includes(path)).map((each) => `${eventText(each)} ↻`);
  const inwards = transitions.flatMap((each) =>
    each.targets
      .filter((target) => target !== path && (path === '' || target.startsWith(`${path}.`)))
      .map((target) => `${eventText(each)} → ${target.slice(target.lastIndexOf('.') + 1)}`),
  );
  return [...new Set([...stays, ...again, ...inwards])];
}

function sizeOf(label: readonly string[]): { readonly width: number; readonly height: number } {
  return {
    width: Math.max(...label.map((text) => text.length)) * CHARACTER + 10,
    height: label.length * TEXT_LINE + 4,
  };
}

function shorten(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}
