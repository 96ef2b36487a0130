/**
 * A full inbox: more chains of messages than it has room for go round a ring of agents. Each step needs
 * room that only the step before makes. It must drain by itself, and every chain must arrive once.
 */
import { agentKey, encode } from '@wakebus/protocol';
import { RING_TYPE } from '../chaos-agents.ts';
import { until } from '../patience.ts';
import type { Fault, Stage, Strike } from './fault.ts';
import { deleteStreams, endOwn } from './operator-faults.ts';

const ROOM = 200;
const MEMBERS = 12;
const HOPS = 20;
/** A ring that has not drained by then does not, in milliseconds: a relay that waits for room tries every 2 s. */
const DRAINS_MS = 90_000;

export const ringFault: Fault = { kind: 'limits reached, a ring', strike: strikeRing };

async function strikeRing(stage: Stage): Promise<Strike> {
  const { cluster, name } = stage;
  const prefix = `ring-${name}`;
  const ports = await cluster.addDeployment({ prefix, partitions: 4, inboxMaxMessages: ROOM });
  const { layout } = ports;
  const inbox = ports.inboxes[0] as (typeof ports.inboxes)[number];
  let chains = 0;
  // As any publisher may, past the client that would refuse at 80 %.
  for (;;) {
    const key = agentKey(RING_TYPE, String(chains % MEMBERS));
    const event = { left: HOPS, members: MEMBERS, at: chains % MEMBERS };
    const outcome = await inbox.append(layout.eventSubject(key, 'hop'), encode(event), {
      messageId: `chain-${chains}`,
      headers: { 'Content-Type': 'application/msgpack' },
    });
    if (outcome.kind === 'full') break;
    if (outcome.kind === 'stored' && !outcome.duplicate) chains += 1;
  }
  const startedMs = performance.now();
  const node = await cluster.startNode([prefix]);
  try {
    const client = await cluster.connectClient('ring', prefix);
    const arrived = async (): Promise<number> => {
      const end = await client.client.inspect(`${RING_TYPE}/end`).catch(() => undefined);
      return (end?.context as { readonly hops: number } | undefined)?.hops ?? 0;
    };
    await until(async () => (await arrived()) >= chains, DRAINS_MS);
    const isEmpty = await until(
      async () => (await inbox.subjects(layout.inboxFilter()).catch(() => undefined))?.size === 0,
      10_000,
    );
    const came = await arrived();
    const violations = [
      ...(came === chains ? [] : [`ring: ${chains} chains were sent and ${came} arrived`]),
      ...(isEmpty ? [] : ['ring: its inbox is not empty']),
    ];
    return {
      met: `${chains} of ${ROOM} messages`,
      recoverMs: performance.now() - startedMs,
      recovers: 'all',
      violations,
    };
  } finally {
    await endOwn(stage, node);
    await deleteStreams(stage, prefix);
  }
}
