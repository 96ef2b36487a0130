/**
 * A restart storm: ten thousand agents each have an event waiting, and every server and placement node
 * comes back at the same moment.
 */
import { persist, until } from '../patience.ts';
import type { Fault, Stage, Strike } from './fault.ts';

const AGENTS = 10_000;
const AT_ONCE = 256;
/** Given up after so long, in milliseconds; the promise is 60 s. */
const SETTLES_MS = 180_000;

export const stormFault: Fault = { kind: 'restart storm', once: true, strike: strikeStorm };

async function strikeStorm(stage: Stage): Promise<Strike> {
  const { cluster, prober, traffic } = stage;
  await traffic.hold();
  const nodes = [...cluster.nodes];
  await sendToAll(stage, 'born');
  if (!(await until(async () => (await waiting(stage)) === 0, SETTLES_MS))) {
    traffic.release();
    return { violations: [`storm: ${AGENTS} agents are not born within ${SETTLES_MS / 1000} s`] };
  }
  await Promise.all(nodes.map((node) => cluster.endNode(node)));
  await sendToAll(stage, 'woken');
  const queued = await waiting(stage);
  await Promise.all(cluster.servers.servers.map((server) => server.kill()));
  const startedMs = performance.now();
  await Promise.all(cluster.servers.servers.map((server) => server.restart()));
  await Promise.all(nodes.map(() => cluster.startNode()));
  const isSettled = await until(async () => (await waiting(stage)) === 0, SETTLES_MS);
  const recoverMs = performance.now() - startedMs;
  traffic.release();
  const wrong = await countWrong(stage);
  const violations = [
    ...(isSettled ? [] : [`storm: after ${SETTLES_MS / 1000} s ${await waiting(stage)} messages wait`]),
    ...(wrong === 0 ? [] : [`storm: ${wrong} of ${AGENTS} agents have not taken both events once: ${prober.name}`]),
  ];
  return { met: `${queued} agents with an event each`, recoverMs, recovers: 'all', violations };
}

/** Messages in the inbox. Only their number is asked for: a list of ten thousand mailboxes keeps a server busy. */
async function waiting({ cluster }: Stage): Promise<number> {
  const { inboxes } = cluster.ports;
  return (await persist(() => (inboxes[0] as (typeof inboxes)[number]).info())).messages;
}

function agentOf({ name }: Stage, number: number): string {
  return `${name}-storm${number}`;
}

async function sendToAll(stage: Stage, id: string): Promise<void> {
  const { client } = stage.prober;
  await spread(async (number) => {
    await persist(() => client.agent('ledger', agentOf(stage, number)).send({ type: 'add', id }, { id }));
  });
}

async function countWrong(stage: Stage): Promise<number> {
  const { client } = stage.prober;
  let wrong = 0;
  await spread(async (number) => {
    const seen = await persist(() => client.inspect(`ledger/${agentOf(stage, number)}`));
    const { entries = [] } = (seen?.context ?? {}) as { entries?: readonly { id: string }[] };
    if (entries.map(({ id }) => id).join() !== 'born,woken') wrong += 1;
  });
  return wrong;
}

async function spread(work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < AGENTS) {
        const number = next;
        next += 1;
        await work(number);
      }
    }),
  );
}
