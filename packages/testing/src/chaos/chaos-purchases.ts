/** Purchases on real processes: in two ways, under a key and at most once. */
import type { AnyAgentDefinition } from '@wakebus/core';
import { checkRecords } from '../checker/check-records.ts';
import type { RunHistory } from '../checker/run-history.ts';
import { type Way, buyerAgent, drivePurchases } from '../workloads/buyer-agent.ts';
import { checkPurchases, gapsOf } from '../workloads/purchases-check.ts';
import type { Workload, WorkloadDriver } from '../workloads/workload.ts';
import { type Till, deskOverHttp } from './till.ts';

/** What a part of a run has bought. */
export interface PurchaseCount {
  /** Purchases in the till that went under a key. */
  readonly keyed: number;
  /** … of which it would have had twice without it. */
  readonly spared: number;
  /** Purchases in the till that went without one, at most once. */
  readonly unkeyed: number;
  /** Purchases of which the agent was told that nobody knows how they ended. */
  readonly maybe: number;
}

const KEYED: Way = 'keyed';
const UNKEYED: Way = 'careful';

export const chaosBuyer: AnyAgentDefinition = buyerAgent(() => deskOverHttp);

/** @param part - Stands before the IDs of its purchases. */
export function chaosPurchases(till: Till, part: string, buyers: number): Workload<WorkloadDriver> {
  return {
    name: 'purchases',
    agents: [chaosBuyer],
    drive: (driver) => drivePurchases(driver, buyers, { ways: [KEYED, UNKEYED], payload: { till: till.url } }),
    check: (history) => [...checkRecords(history), ...checkPurchases(history, till.entriesOf(part))],
  };
}

export function countPurchases(history: RunHistory, till: Till, part: string): PurchaseCount {
  const entries = till.entriesOf(part);
  const inTill = history.operations.filter(({ id }) => entries.has(id));
  const keyed = inTill.filter(({ kind }) => kind === KEYED).length;
  return { keyed, spared: till.sparedIn(part), unkeyed: inTill.length - keyed, maybe: gapsOf(history) };
}
