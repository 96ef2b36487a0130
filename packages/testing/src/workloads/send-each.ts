/** How workloads hand out their operations: each to one of the clients, at some time of the run. */
import type { Prng } from '../simulation/prng.ts';
import type { PlannedOperation } from './simulated-client.ts';
import type { WorkloadDriver } from './workload.ts';

/** What one operation is, without who sends it and when. */
export type Sending = Omit<PlannedOperation, 'id' | 'afterMs'>;

/** Plans all operations. @param choose - Draws what the next one is. */
export function sendEach(
  { prng, clients, operations, spreadMs }: WorkloadDriver,
  choose: (prng: Prng) => Sending,
): void {
  for (let i = 0; i < operations; i += 1) {
    const client = clients[prng.below(clients.length)];
    client?.send({ id: `${client.name}-${i}`, ...choose(prng), afterMs: prng.fraction() * spreadMs });
  }
}
