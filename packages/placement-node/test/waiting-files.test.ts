/** Files that an effect has left before its agent was held up: nothing names them but a result that waits. */
import {
  type AgentKey,
  type EffectResult,
  type ParkedMessage,
  type WorkspaceRef,
  encode,
  namesOf,
} from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { Link } from '../src/nats/link.ts';
import { NatsBlobStore } from '../src/nats/nats-blob-store.ts';
import { NO_FILES, type Ports, WorkspaceWriter, collectChunks, natsPorts, readManifest } from '../src/mod.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';

const deploy = useServer();
const key = 'list.a' as AgentKey;

/** With an object store whose chunks are old at once. */
async function portsOf(bus: TestDeployment): Promise<Ports> {
  const chunks = new NatsBlobStore(new Link(bus.connection, () => {}), bus.layout, 0);
  return { ...natsPorts(bus.connection, bus.layout), chunks };
}

async function filesWith(ports: Ports, text: string): Promise<WorkspaceRef> {
  const base = { ref: undefined, manifest: NO_FILES };
  const writer = new WorkspaceWriter(ports, { key, base, limits: { maxBytes: 1_000, maxFiles: 10 } });
  await writer.addBytes({ path: 'note', mode: 0o644 }, Buffer.from(text));
  const { ref } = await writer.finish();
  if (ref === undefined) throw new Error('nothing has changed');
  return ref;
}

function resultWith(ref: WorkspaceRef): Uint8Array {
  const result: EffectResult = { v: 1, id: 'write', generation: 1, attempt: 1, outcome: 'done', files: { ref } };
  return encode(result);
}

test('are not collected while their result waits in an inbox or aside, and are when it has gone', async () => {
  const bus = await deploy();
  const ports = await portsOf(bus);
  const [inbox] = ports.inboxes;
  const subject = bus.layout.runtimeSubject(key, 'effect');
  const refs = await Promise.all(['in the inbox', 'aside', 'nowhere'].map((text) => filesWith(ports, text)));
  const [waiting, aside, lost] = refs as [WorkspaceRef, WorkspaceRef, WorkspaceRef];
  await inbox?.append(subject, resultWith(waiting));
  const data = resultWith(aside);
  const parked: ParkedMessage = {
    v: 1,
    key,
    seq: 1,
    subject,
    headers: {},
    data,
    code: 'HELD',
    message: 'suspended',
    attempts: 0,
    atMs: 0,
  };
  await ports.held.append(bus.layout.heldSubject(key), encode(parked));
  await inbox?.append(bus.layout.eventSubject(key, 'add'), Buffer.from('no result'));

  expect(await collectChunks(ports, { graceMs: 0 })).toMatchObject({ named: 4, collected: 2 });

  for (const ref of [waiting, aside]) expect((await readManifest(ports, key, ref)).entries).toHaveLength(1);
  expect(await ports.chunks.get(namesOf(lost.names)[0] as string)).toBeUndefined();
  await inbox?.purge(bus.layout.mailboxFilter(key));
  await ports.held.purge(bus.layout.heldSubject(key));
  expect(await collectChunks(ports, { graceMs: 0 })).toMatchObject({ named: 0, collected: 4 });
});
