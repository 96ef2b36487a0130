/**
 * Everything that must hold of every run, whatever its agents do.
 */
import { checkLifecycles } from './check-lifecycle.ts';
import { checkRecords } from './check-records.ts';
import { type StandingCodes, checkStanding } from './check-standing.ts';
import { checkTimers } from './check-timers.ts';
import { checkTold } from './check-told.ts';
import type { RunHistory, Violation } from './run-history.ts';

/** @param standing - Error codes for which an agent may stand still in this run. @default none */
export function checkRuntime(history: RunHistory, standing?: StandingCodes): Violation[] {
  return [
    ...checkRecords(history),
    ...checkLifecycles(history),
    ...checkTimers(history),
    ...checkStanding(history, standing),
    ...checkTold(history),
  ];
}
