/**
 * The ledger: agents that write every event into a list. Some events make the agent send to another
 * one, set a timer, go to sleep, or throw.
 *
 * Every value is unique, so the checkers see each one that is lost, doubled, invented or out of order.
 */
import { type AnyAgentDefinition, defineAgent, sendToAgent, sleepNow } from '@wakebus/core';
import { type AgentKey, type Headers, addressOf, header, parseAddress } from '@wakebus/protocol';
import { type AnyStateMachine, assign, enqueueActions, setup } from 'xstate';
import { checkGrowth, checkList, checkOrder } from '../checker/check-lists.ts';
import { type PairTraffic, checkPairs } from '../checker/check-pairs.ts';
import { checkRecords } from '../checker/check-records.ts';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import { numberedAgent, type PlannedOperation } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

const LEDGER_TYPE = 'ledger';

interface LedgerEntry {
  readonly id: string;
  /** The agent that sent it, with its number for this one; empty where it came from outside or from a timer. */
  readonly from: string;
  readonly number: number;
}

interface LedgerContext {
  readonly self: string;
  readonly entries: readonly LedgerEntry[];
  /** Messages sent, by receiver. */
  readonly sent: Readonly<Record<string, number>>;
}

type LedgerEvent =
  | { readonly type: 'add'; readonly id: string }
  | { readonly type: 'pass'; readonly id: string; readonly to: string }
  | { readonly type: 'passed'; readonly id: string; readonly from: string; readonly number: number }
  | { readonly type: 'remind'; readonly id: string; readonly delayMs: number }
  | { readonly type: 'reminded'; readonly id: string }
  | { readonly type: 'rest'; readonly id: string }
  | { readonly type: 'fail'; readonly id: string };

const machine: AnyStateMachine = setup({
  types: { context: {} as LedgerContext, events: {} as LedgerEvent, input: {} as { self: string } },
  actions: {
    write: assign(({ context, event }) => {
      const { from, number } = event.type === 'passed' ? event : { from: '', number: 0 };
      return { entries: [...context.entries, { id: event.id, from, number }] };
    }),
    count: assign(({ context, event }) => {
      if (event.type !== 'pass') return {};
      return { sent: { ...context.sent, [event.to]: (context.sent[event.to] ?? 0) + 1 } };
    }),
  },
}).createMachine({
  id: LEDGER_TYPE,
  context: ({ input }) => ({ self: input.self, entries: [], sent: {} }),
  initial: 'open',
  states: {
    open: {
      on: {
        add: { actions: 'write' },
        passed: { actions: 'write' },
        reminded: { actions: 'write' },
        rest: { actions: ['write', sleepNow()] },
        pass: {
          actions: [
            'write',
            'count',
            sendToAgent(
              ({ event }) => (event as { to: string }).to,
              ({ context, event }) => {
                const { id, to } = event as { id: string; to: string };
                return { type: 'passed', id: passedId(id), from: context.self, number: context.sent[to] ?? 0 };
              },
            ),
          ],
        },
        remind: {
          actions: [
            'write',
            // The timer's ID holds the value: each of an agent's timers is one of its own.
            enqueueActions(({ enqueue, event }) => {
              const { id, delayMs } = event as { id: string; delayMs: number };
              enqueue.raise({ type: 'reminded', id: remindedId(id) }, { id: `remind-${id}`, delay: delayMs });
            }),
          ],
        },
        fail: {
          actions: assign(() => {
            throw new Error('this event always fails');
          }),
        },
      },
    },
  },
});

export const ledgerAgent: AnyAgentDefinition = defineAgent({
  type: LEDGER_TYPE,
  machine,
  input: ({ type, id }: { type: string; id: string }) => ({ self: `${type}/${id}` }),
  sleep: { afterMs: 2_000 },
  retry: { attempts: 2, backoffMs: 200 },
});

export interface LedgerOptions {
  /** Number of agents. @default 8 */
  readonly agents?: number;
  /** Longest timer, in milliseconds. @default 20,000 – longer than sleep and lease */
  readonly longestDelayMs?: number;
  /** Share of events that always throw. @default 0.01 */
  readonly failing?: number;
}

/** The workload of {@link ledgerAgent}s. */
export function ledger(options: LedgerOptions = {}): Workload {
  return { name: 'ledger', agents: [ledgerAgent], drive: (driver) => drive(driver, options), check };
}

function drive({ prng, clients, operations, spreadMs }: WorkloadDriver, options: LedgerOptions): void {
  const { agents = 8 } = options;
  for (let i = 0; i < operations; i += 1) {
    const agent = numberedAgent(LEDGER_TYPE, prng.below(agents));
    const client = clients[prng.below(clients.length)];
    const to = addressOf(numberedAgent(LEDGER_TYPE, prng.below(agents)));
    client?.send({
      ...chooseEvent(prng.fraction(), prng.fraction(), to, options),
      id: `${client.name}-${i}`,
      agent,
      afterMs: prng.fraction() * spreadMs,
    });
  }
}

function chooseEvent(
  choice: number,
  size: number,
  to: string,
  { longestDelayMs = 20_000, failing = 0.01 }: LedgerOptions,
): Pick<PlannedOperation, 'kind' | 'payload' | 'to'> {
  if (choice < failing) return { kind: 'fail', payload: {} };
  if (choice < 0.25) return { kind: 'pass', payload: { to }, to };
  if (choice < 0.35) return { kind: 'remind', payload: { delayMs: Math.floor(size * longestDelayMs) } };
  if (choice < 0.4) return { kind: 'rest', payload: {} };
  return { kind: 'add', payload: {} };
}

function check(history: RunHistory): Violation[] {
  return [
    ...checkRecords(history),
    ...checkContents(history),
    ...checkOrder(history, readList),
    ...checkPairs(trafficOf(history)),
    ...checkDeadLetters(history),
  ];
}

function checkContents(history: RunHistory): Violation[] {
  return [...history.agents.values()].flatMap((agent) => {
    const lists = agent.writes.map(({ record }) => entriesOf({ ...agent, record }).map(({ id }) => id));
    return [...checkList(agent.key, readList(agent), expectationOf(history, agent.key)), ...checkGrowth(agent, lists)];
  });
}

/** What follows from what is in the lists is required as well: a passed event, a timer that must have fired. */
function expectationOf(
  { agents, operations }: RunHistory,
  key: AgentKey,
): { required: Set<string>; allowed: Set<string> } {
  const required = new Set<string>();
  const allowed = new Set<string>();
  for (const { id, agent, kind, outcome } of operations) {
    if (kind === 'fail' || outcome === 'fail' || agent !== key) continue;
    (outcome === 'ok' ? required : allowed).add(id);
    if (kind === 'remind') (outcome === 'ok' ? required : allowed).add(remindedId(id));
  }
  const passedHere = new Set(operations.filter(({ to }) => to === addressOf(key)).map(({ id }) => id));
  for (const sender of agents.values()) {
    for (const { id } of entriesOf(sender)) if (passedHere.has(id)) required.add(passedId(id));
  }
  return { required, allowed };
}

function trafficOf({ agents }: RunHistory): PairTraffic[] {
  return [...agents.values()].flatMap((sender) => {
    const sent = (contextOf(sender.record) as LedgerContext | undefined)?.sent ?? {};
    return Object.entries(sent).map(([to, count]) => {
      const receiver = agents.get(parseAddress(to));
      const entries = receiver === undefined ? [] : entriesOf(receiver);
      const received = entries.filter(({ from }) => from === addressOf(sender.key)).map(({ number }) => number);
      return { from: sender.key, to, received, sent: count };
    });
  });
}

/** The ID that the client gave to a message. */
function sentId(headers: Headers): string {
  const wireId = headers[header.messageId] ?? '';
  return wireId.slice(wireId.indexOf(':') + 1);
}

/** An event that always throws is in the dead letters, and nothing else is. */
function checkDeadLetters({ agents, operations }: RunHistory): Violation[] {
  const failing = operations.filter(({ kind, outcome }) => kind === 'fail' && outcome === 'ok').map(({ id }) => id);
  const letters = [...agents.values()].flatMap(({ deadLetters }) => deadLetters);
  const found = new Set(letters.map(({ headers }) => sentId(headers)));
  const known = new Set(operations.filter(({ kind }) => kind === 'fail').map(({ id }) => id));
  return [
    ...failing.filter((id) => !found.has(id)).map((id) => `${id} always fails and is not in the dead letters`),
    ...letters
      .filter(({ headers }) => !known.has(sentId(headers)))
      .map(({ key, seq, code, message }) => `${key}: message ${seq} is in the dead letters: ${code} ${message}`),
  ];
}

function entriesOf(agent: AgentHistory): readonly LedgerEntry[] {
  return (contextOf(agent.record) as LedgerContext | undefined)?.entries ?? [];
}

function readList(agent: AgentHistory): readonly string[] {
  return entriesOf(agent).map(({ id }) => id);
}

function passedId(id: string): string {
  return `${id}+`;
}

function remindedId(id: string): string {
  return `${id}~`;
}
