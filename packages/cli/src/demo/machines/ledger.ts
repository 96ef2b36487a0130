/**
 * What every agent of the demo has in common: a context, and a region of its machine that books each
 * delivery and reports it to the repository. How regions become a machine is in `demo-machine.ts`.
 *
 * The book is a hash chain over delivery IDs. It differs as soon as a delivery is lost, doubled or out of
 * order, which is the whole proof of the demo.
 */
import { createHash } from 'node:crypto';
import { type AgentAction, sendToAgent, sleepNow } from '@wakebus/core';
import { type ActionFunction, type ProvidedActor, type StateNodeConfig, assign } from 'xstate';
import type { Payload } from '../deliveries.ts';

/** A delivery, or a message between agents, as a machine gets it: the payload's fields and these. */
export interface DemoEvent extends Payload {
  readonly type: string;
  /** Its ID. How the agent's own effect ended, for one, has none. */
  readonly delivery?: string;
  /** The agent that sent it, where one did. */
  readonly from?: string;
}

/** How many deliveries there were, and the hash chain over their IDs. */
export interface Book {
  readonly count: number;
  readonly chain: string;
}

/** What an agent of the demo remembers. */
export interface DemoContext {
  /** Its own address. */
  readonly address: string;
  readonly book: Book;
  /** Sets by name, such as `labels` and `assignees`; sorted, because order is the book's business. */
  readonly sets: Readonly<Record<string, readonly string[]>>;
  /** A book for each agent that reports to this one. Reports of two agents come in any order. */
  readonly reports: Readonly<Record<string, Book>>;
  /** Verdicts on its checks that each pull request has passed on. */
  readonly verdicts: Readonly<Record<string, number>>;
}

type Action = ActionFunction<DemoContext, DemoEvent, DemoEvent, undefined, never, never, never, never, never>;

/** What GitHub is told of an agent. */
export interface Summary {
  /** The agent's address. */
  readonly about: string;
  readonly text: string;
}

/** One region of a demo machine. */
export type Region = StateNodeConfig<
  DemoContext,
  DemoEvent,
  ProvidedActor,
  never,
  never,
  never,
  never,
  unknown,
  never,
  Record<string, unknown>
>;

/** Adds what the event names to a set. */
export function put(set: string, nameOf: (event: DemoEvent) => unknown): Action {
  return changeSet(set, nameOf, (names, name) => [...names.filter((other) => other !== name), name].toSorted());
}

/** Takes what the event names out of a set. */
export function drop(set: string, nameOf: (event: DemoEvent) => unknown): Action {
  return changeSet(set, nameOf, (names, name) => names.filter((other) => other !== name));
}

function changeSet(
  set: string,
  nameOf: (event: DemoEvent) => unknown,
  change: (names: readonly string[], name: string) => readonly string[],
): Action {
  return assign(({ context, event }) => ({
    sets: { ...context.sets, [set]: change(context.sets[set] ?? [], String(nameOf(event))) },
  }));
}

const book: Action = assign(({ context, event }) => ({ book: entered(context.book, event.delivery) }));

const bookReport: Action = assign(({ context, event: { from = '', delivery } }) => ({
  reports: { ...context.reports, [from]: entered(context.reports[from], delivery) },
}));

const countVerdict: Action = assign(({ context, event: { from = '' } }) => ({
  verdicts: { ...context.verdicts, [from]: (context.verdicts[from] ?? 0) + 1 },
}));

function entered({ count, chain }: Book = { count: 0, chain: '' }, delivery = ''): Book {
  return { count: count + 1, chain: createHash('sha256').update(`${chain}\n${delivery}`).digest('hex') };
}

/** Tells the repository that the event names. */
function tellRepository(type: string): AgentAction<DemoContext, DemoEvent, undefined> {
  return sendToAgent(
    ({ event }) => repositoryOf(event) as string,
    ({ context, event }) => ({ type, from: context.address, delivery: event.delivery }),
  );
}

function repositoryOf({ repository }: DemoEvent): string | undefined {
  return repository === undefined ? undefined : `repository/${(repository as { id: number }).id}`;
}

/** The region that every machine has. An agent sleeps after each event, so that every delivery is a wake. */
export const ledger: Region = {
  on: {
    report: { actions: [bookReport, sleepNow()] },
    checks: { actions: [bookReport, tellRepository('verdict'), sleepNow()] },
    verdict: { actions: [countVerdict, sleepNow()] },
    '*': [
      { guard: ({ event }) => event.delivery === undefined },
      {
        guard: ({ context, event }) => ![undefined, context.address].includes(repositoryOf(event)),
        actions: [book, tellRepository('report'), sleepNow()],
      },
      { actions: [book, sleepNow()] },
    ],
  },
};
