/**
 * Every workload by its name: what `npm run sim` runs, and what a kept seed names.
 */
import { appointments } from './appointments.ts';
import { bank } from './bank.ts';
import { clocks } from './clocks.ts';
import { families } from './families.ts';
import { calm, crowd, damage, killing, looping, operators, rolling } from './ledger-variants.ts';
import { gates } from './gates.ts';
import { ledger } from './ledger.ts';
import { purchases } from './purchases.ts';
import { scribes } from './scribes.ts';
import { restoring } from './restoring.ts';
import { spilling } from './spilling.ts';
import type { Workload } from './workload.ts';

/** Made anew for each run: a workload may keep what it has planned. */
export const workloads: Readonly<Record<string, () => Workload>> = {
  ledger,
  bank,
  clocks,
  appointments,
  operators,
  rolling,
  crowd,
  killing,
  looping,
  damage,
  calm,
  purchases,
  families,
  gates,
  spilling,
  scribes,
  restoring,
};
