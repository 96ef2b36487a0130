/** A quantity that moves between agents and is neither made nor lost. */
import type { Violation } from './run-history.ts';

/** @param parts - What each agent holds, once everything has come to rest. */
export function checkTotal(what: string, parts: ReadonlyMap<string, number>, expected: number): Violation[] {
  const total = [...parts.values()].reduce((sum, part) => sum + part, 0);
  return total === expected ? [] : [`The total of ${what} is ${total}, and was ${expected}`];
}

/** What one account's commit says that it has paid and got, in all, by the other account. */
export interface AccountCommit {
  readonly revision: number;
  readonly account: string;
  readonly paid: Readonly<Record<string, number>>;
  readonly got: Readonly<Record<string, number>>;
}

/**
 * At every committed prefix nobody has got what the other had not paid: what is missing in the balances is on
 * its way.
 *
 * @param commits - Of all accounts, in the order of their revisions.
 * @param missed - Revisions that nobody saw. Each may have been a payment of an account that is not seen again before.
 */
export function checkPrefixes(commits: readonly AccountCommit[], missed: readonly number[] = []): Violation[] {
  const last = new Map<string, AccountCommit>();
  for (const commit of commits) {
    const { revision, account, got } = commit;
    last.set(account, commit);
    const ahead = Object.entries(got).find(([from, amount]) => {
      const payer = last.get(from);
      const mayBePaid = (): boolean => missed.some((unseen) => unseen > (payer?.revision ?? 0) && unseen < revision);
      return amount > (payer?.paid[account] ?? 0) && !mayBePaid();
    });
    if (ahead !== undefined)
      return [`${account}, revision ${revision}: it has got ${ahead[1]} of ${ahead[0]}, which has not paid so much`];
  }
  return [];
}
