/**
 * What a deployment holds right now, beside what the client counts: agent types, waiting messages, fill of the
 * inboxes. Read-only, and waking nobody.
 */
import { type PendingType, byType } from '@wakebus/client';
import { type Ports, natsPorts, readRegistry } from '@wakebus/placement-node';
import type { RegisteredType } from '@wakebus/protocol';
import type { Session } from './session.ts';

/** The streams and buckets of a session's deployment, for what no client shows. */
export function portsOf({ connection, client }: Session): Ports {
  return natsPorts(connection, client.layout);
}

/** Lifecycles in which an agent waits for an operator. */
export const needing: ReadonlySet<string> = new Set(['failed', 'suspended', 'quarantined']);

/** Agent types that were ever started here. */
export function registeredTypes(ports: Ports): Promise<RegisteredType[]> {
  return readRegistry(ports.registry);
}

/** What waits, by agent type. */
export async function pendingByType({ client }: Session): Promise<Map<string, PendingType>> {
  return byType(await client.pending());
}

/** Fill of each inbox, and of the front door of several, 0 to 1. */
export async function inboxFills(
  ports: Ports,
): Promise<ReadonlyArray<{ readonly stream: string; readonly fill: number; readonly messages: number }>> {
  const { frontDoor, inboxes, layout } = ports;
  const logs = inboxes.map((inbox, shard) => ({ stream: layout.inboxStream(shard), log: inbox }));
  if (frontDoor !== undefined) logs.push({ stream: layout.frontDoorStream, log: frontDoor });
  return Promise.all(
    logs.map(async ({ stream, log }) => {
      const { fill, messages } = await log.info();
      return { stream, fill, messages };
    }),
  );
}

/** Names of all consumers of the inboxes. The server answers in pages. */
export async function consumerNames({ connection, client }: Session): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let shard = 0; shard < client.layout.shards; shard += 1) {
    const api = `$JS.API.CONSUMER.NAMES.${client.layout.inboxStream(shard)}`;
    for (let offset = 0, total = Infinity; offset < total;) {
      const answer = await connection.request(api, JSON.stringify({ offset }));
      const page = answer.json<{ readonly consumers?: readonly string[]; readonly total?: number }>();
      for (const name of page.consumers ?? []) names.add(name);
      offset += page.consumers?.length ?? 0;
      total = (page.consumers?.length ?? 0) === 0 ? 0 : (page.total ?? 0);
    }
  }
  return names;
}
