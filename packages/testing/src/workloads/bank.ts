/**
 * The bank: accounts that send money to each other. Whatever happens, the total stays what it was.
 *
 * A transfer takes from one account in one commit and arrives in another one later, so a lost message
 * destroys money and a doubled one makes some.
 */
import { type AnyAgentDefinition, defineAgent, sendToAgent } from '@wakebus/core';
import { addressOf } from '@wakebus/protocol';
import { type AnyStateMachine, assign, setup } from 'xstate';
import { checkRecords } from '../checker/check-records.ts';
import { checkTotal } from '../checker/check-total.ts';
import { type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

interface AccountContext {
  readonly balance: number;
}

type AccountEvent =
  | { readonly type: 'transfer'; readonly id: string; readonly to: string; readonly amount: number }
  | { readonly type: 'credit'; readonly amount: number };

/** What every account has at its birth. */
const FIRST_BALANCE = 1_000;
const ACCOUNT_TYPE = 'account';

const machine: AnyStateMachine = setup({
  types: { context: {} as AccountContext, events: {} as AccountEvent },
}).createMachine({
  id: ACCOUNT_TYPE,
  context: { balance: FIRST_BALANCE },
  on: {
    transfer: {
      // An account may not be overdrawn; what it cannot pay it does not send.
      guard: ({ context, event }) => context.balance >= event.amount,
      actions: [
        assign(({ context, event }) => ({ balance: context.balance - event.amount })),
        sendToAgent(
          ({ event }) => (event as { to: string }).to,
          ({ event }) => ({ type: 'credit', amount: (event as { amount: number }).amount }),
        ),
      ],
    },
    credit: { actions: assign(({ context, event }) => ({ balance: context.balance + event.amount })) },
  },
});

/** An account that starts with 1,000. */
export const accountAgent: AnyAgentDefinition = defineAgent({ type: ACCOUNT_TYPE, machine, sleep: { afterMs: 2_000 } });

/** The workload of {@link accountAgent}s. @param accounts - How many. @default 6 */
export function bank(accounts: number = 6): Workload {
  return { name: 'bank', agents: [accountAgent], drive: (driver) => drive(driver, accounts), check };
}

function drive({ prng, clients, operations, spreadMs }: WorkloadDriver, accounts: number): void {
  for (let i = 0; i < operations; i += 1) {
    const client = clients[prng.below(clients.length)];
    const from = prng.below(accounts);
    const to = addressOf(numberedAgent(ACCOUNT_TYPE, (from + 1 + prng.below(accounts - 1)) % accounts));
    const payload = { to, amount: 1 + prng.below(FIRST_BALANCE / 2) };
    client?.send({
      id: `${client.name}-${i}`,
      agent: numberedAgent(ACCOUNT_TYPE, from),
      kind: 'transfer',
      payload,
      afterMs: prng.fraction() * spreadMs,
    });
  }
}

function check(history: RunHistory): Violation[] {
  const balances = new Map<string, number>();
  for (const [key, { record }] of history.agents)
    balances.set(key, (contextOf(record) as AccountContext | undefined)?.balance ?? 0);
  return [...checkRecords(history), ...checkTotal('all balances', balances, FIRST_BALANCE * balances.size)];
}
