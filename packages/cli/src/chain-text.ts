/** A chain of wakes as lines for people. */
import type { Chain, ChainStep } from '@wakebus/client';
import type { HistoryEffect, HistoryEvent } from '@wakebus/protocol';
import { bytes, counted, duration, listed, oneLine } from './human.ts';
import { type Output, toText } from './output.ts';

/** How it is written. */
export interface ChainStyle {
  readonly payloads: boolean;
  readonly paint: Output['paint'];
}

/** The tree, each step with when it came, where it ran, and what it made. */
export function chainText(chain: Chain, style: ChainStyle): string {
  const { root, steps, isCut, traceId } = chain;
  const agents = new Set<string>();
  const nodes = new Set<string>();
  const count = ({ address, commit, caused }: ChainStep): void => {
    agents.add(address);
    nodes.add(commit.node);
    for (const step of caused) count(step);
  };
  count(root);
  const head = `${new Date(root.commit.atMs).toISOString()}  ${counted(steps, 'step')}, ${counted(agents.size, 'agent')}, ${counted(nodes.size, 'placement node')}${traceId === undefined ? '' : `, trace ${traceId}`}`;
  const cut = isCut ? ['… and more: ask for one of the steps above'] : [];
  return [head, ...stepLines(root, { chain, style, first: '', rest: '' }), ...cut].join('\n');
}

interface Place {
  readonly chain: Chain;
  readonly style: ChainStyle;
  /** Before the first line of a step, and before all further ones. */
  readonly first: string;
  readonly rest: string;
}

function stepLines(step: ChainStep, { chain, style, first, rest }: Place): string[] {
  const { address, caused, commit } = step;
  const afterMs = commit.atMs - chain.root.commit.atMs;
  const mark = step === chain.target && step !== chain.root ? style.paint('bold', ' ◀') : '';
  const title = `${first}${style.paint('bold', oneLine(address))}  +${duration(Math.max(0, afterMs))}  ${causeText(step)}${mark}`;
  const bar = caused.length > 0 ? '│  ' : '   ';
  const facts = factLines(step, style).map((line) => `${rest}${bar}${style.paint('dim', line)}`);
  const below = caused.flatMap((next, i) => {
    const isLast = i === caused.length - 1;
    const place = { chain, style, first: `${rest}${isLast ? '└─ ' : '├─ '}`, rest: `${rest}${isLast ? '   ' : '│  '}` };
    return stepLines(next, place);
  });
  return [title, ...facts, ...below];
}

function causeText({ cause, event, repeats }: ChainStep): string {
  const id = event.id === undefined ? '' : ` (${oneLine(event.id)})`;
  switch (cause) {
    case 'message':
      return `${oneLine(event.type)} from ${oneLine(event.from ?? '')}${id}`;
    case 'timer':
      return `${oneLine(event.from ?? 'timer')} → ${oneLine(event.type)}`;
    case 'effect':
      return `effect ${oneLine(event.from ?? '')}${repeats === 0 ? '' : `, after ${counted(repeats, 'repeated attempt')}`}`;
    case 'operator':
      return `${oneLine(event.type.replace('wakebus.', ''))}, by an operator`;
    default:
      return `${oneLine(event.type)} from outside${id}`;
  }
}

function factLines({ commit, event }: ChainStep, { payloads }: ChainStyle): string[] {
  if (commit.turn === 0) return [`message ${event.seq}, turned away by ${oneLine(commit.node)}`, ...gateLines(event)];
  const { cost, effects = [], epoch, events, lifecycle, node, outputs, state, tries, turn, wake } = commit;
  const took = cost === undefined ? '' : `, ${duration(cost.turnMs)}, ${bytes(cost.recordBytes)}`;
  const woken = wake === undefined ? '' : ', woke the agent';
  const others = events.length > 1 ? `, one of ${counted(events.length, 'event')}` : '';
  const retried = tries === undefined ? '' : `, after ${counted(tries, 'failed try', 'failed tries')}`;
  return [
    `turn ${turn} on ${oneLine(node)}, epoch ${epoch}, message ${event.seq}${others}${woken}${retried}${took}`,
    `state ${oneLine(JSON.stringify(state) ?? '–')}${lifecycle === 'awake' || lifecycle === 'asleep' ? '' : `, ${lifecycle}`}`,
    ...gateLines(event),
    ...(payloads && event.payload !== undefined ? [`read ${oneLine(toText(event.payload))}`] : []),
    ...effects.map(effectLine),
    ...(outputs.length === 0 ? [] : [`made ${listed(outputs)}`]),
  ];
}

/** What the gate said, where it kept the event back. */
function gateLines({ gate }: HistoryEvent): string[] {
  return gate === undefined ? [] : [`gate ${oneLine(gate.rule)} says ${gate.verdict}: ${oneLine(gate.reason)}`];
}

function effectLine({ attempt, code, id, key, node, state, tookMs }: HistoryEffect): string {
  const where = node === undefined ? '' : ` on ${oneLine(node)}`;
  const took = tookMs === undefined ? '' : ` in ${duration(tookMs)}`;
  const why = code === undefined ? '' : ` (${oneLine(code)})`;
  return `effect ${oneLine(id)} ${state}${why}${where}${took}, ${counted(attempt, 'attempt')}, key ${oneLine(key)}`;
}
