/**
 * The bank: accounts that send money to each other. Whatever happens, the total stays what it was.
 *
 * A transfer takes from one account in one commit and arrives in another one later, so a lost message
 * destroys money and a doubled one makes some.
 */
import { type AnyAgentDefinition, defineAgent, sendToAgent } from '@wakebus/core';
import { addressOf } from '@wakebus/protocol';
import { type AnyStateMachine, assign, setup } from 'xstate';
import { checkPrefixes, checkTotal } from '../checker/check-total.ts';
import { type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

interface AccountContext {
  readonly self: string;
  readonly balance: number;
  /** Money sent, by receiver. */
  readonly paid: Readonly<Record<string, number>>;
  /** Money received, by sender. */
  readonly got: Readonly<Record<string, number>>;
}

type AccountEvent =
  | { readonly type: 'transfer'; readonly id: string; readonly to: string; readonly amount: number }
  | { readonly type: 'credit'; readonly from: string; readonly amount: number };

/** What every account has at its birth. */
const FIRST_BALANCE = 1_000;
const ACCOUNT_TYPE = 'account';

const machine: AnyStateMachine = setup({
  types: { context: {} as AccountContext, events: {} as AccountEvent, input: {} as { self: string } },
}).createMachine({
  id: ACCOUNT_TYPE,
  context: ({ input }) => ({ self: input.self, balance: FIRST_BALANCE, paid: {}, got: {} }),
  on: {
    transfer: {
      // An account may not be overdrawn; what it cannot pay it does not send.
      guard: ({ context, event }) => context.balance >= event.amount,
      actions: [
        assign(({ context, event }) => ({
          balance: context.balance - event.amount,
          paid: added(context.paid, event.to, event.amount),
        })),
        sendToAgent(
          ({ event }) => (event as { to: string }).to,
          ({ context, event }) => ({
            type: 'credit',
            from: context.self,
            amount: (event as { amount: number }).amount,
          }),
        ),
      ],
    },
    credit: {
      actions: assign(({ context, event }) => ({
        balance: context.balance + event.amount,
        got: added(context.got, event.from, event.amount),
      })),
    },
  },
});

/** An account that starts with 1,000. */
export const accountAgent: AnyAgentDefinition = defineAgent({
  type: ACCOUNT_TYPE,
  machine,
  input: ({ type, id }: { type: string; id: string }) => ({ self: `${type}/${id}` }),
  sleep: { afterMs: 500, mode: 'pause' },
});

/** The workload of {@link accountAgent}s. @param accounts - How many. @default 6 */
export function bank(accounts: number = 6): Workload<WorkloadDriver> {
  const agents = [accountAgent];
  // Room for two or three in a node: some accounts are resumed, others stopped and woken.
  const runtime = { limits: { pausedBytes: 40_000 } };
  return { name: 'bank', agents, runtime, drive: (driver) => drive(driver, accounts), check };
}

function drive(driver: WorkloadDriver, accounts: number): void {
  sendEach(driver, (prng) => {
    const from = prng.below(accounts);
    const to = addressOf(numberedAgent(ACCOUNT_TYPE, (from + 1 + prng.below(accounts - 1)) % accounts));
    const payload = { to, amount: 1 + prng.below(FIRST_BALANCE / 2) };
    return { agent: numberedAgent(ACCOUNT_TYPE, from), kind: 'transfer', payload };
  });
}

function added(sums: AccountContext['paid'], who: string, amount: number): AccountContext['paid'] {
  return { ...sums, [who]: (sums[who] ?? 0) + amount };
}

function check(history: RunHistory): Violation[] {
  const { missed } = history;
  const states = [...history.agents].map(([key, { record }]) => [key, contextOf(record) as AccountContext] as const);
  const balances = new Map(states.map(([key, context]) => [key, context?.balance ?? 0]));
  const transfers = [...history.agents.values()].flatMap(({ key, writes }) =>
    writes.flatMap(({ revision, record }) => {
      const context = contextOf(record) as AccountContext | undefined;
      return context === undefined ? [] : [{ revision, account: addressOf(key), paid: context.paid, got: context.got }];
    }),
  );
  return [
    ...checkTotal('all balances', balances, FIRST_BALANCE * balances.size),
    ...(missed === undefined
      ? []
      : checkPrefixes(
          transfers.toSorted((a, b) => a.revision - b.revision),
          missed,
        )),
  ];
}
