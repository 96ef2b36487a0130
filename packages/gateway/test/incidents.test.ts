/** Incidents as webhooks, taken by a receiver that checks them with the library that receivers use. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { defineAgent } from '@wakebus/core';
import { type ForwardOptions, type IncidentForwarder, forwardIncidents } from '@wakebus/gateway';
import { startPlacementNode } from '@wakebus/placement-node';
import { type AgentKey, type Incident, type IncidentKind, agentKey, encode, incidentId } from '@wakebus/protocol';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { type World, eventually, startWorld } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OLD_SECRET = Buffer.alloc(32, 8).toString('base64');

/** A delivery as it came. */
interface Taken {
  readonly id: string;
  readonly atMs: number;
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
}

/** Somebody who is told of incidents. */
class Receiver implements AsyncDisposable {
  readonly taken: Taken[] = [];
  /** What the next deliveries are answered with; then 204. */
  answers: Array<(response: ServerResponse) => void> = [];
  readonly #server = createServer((request, response) => {
    let raw = '';
    request.on('data', (chunk: Buffer) => (raw += chunk.toString()));
    request.on('end', () => {
      const { headers } = request;
      this.taken.push({ id: String(headers['webhook-id']), atMs: Date.now(), headers, raw });
      const answer = this.answers.shift() ?? ((to) => void to.writeHead(204).end());
      answer(response);
    });
  });

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await once(receiver.#server.listen(0, '127.0.0.1'), 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/incidents`;
  }

  get ids(): readonly string[] {
    return this.taken.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }
}

const refusal = (response: ServerResponse): void => void response.writeHead(500).end('no');

let world: World;
let receiver: Receiver;
const forwarders: IncidentForwarder[] = [];
let names = 0;

beforeAll(async () => {
  world = await startWorld();
  receiver = await Receiver.open();
});

afterEach(async () => {
  await Promise.all(forwarders.splice(0).map((forwarder) => forwarder.close()));
  receiver.taken.length = 0;
  receiver.answers = [];
});

afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** Forwards under a name of its own, unless one is given. */
async function forward(options: Partial<ForwardOptions> = {}): Promise<string> {
  const { name = `n${(names += 1)}` } = options;
  const settings = { to: receiver.url, secrets: [SECRET], backoffMs: 1, ...options, name };
  forwarders.push(await forwardIncidents({ connection: world.connection, ...settings }));
  return name;
}

/** Tells an incident as a placement node does. @returns its ID. */
async function tell(occurrence: string, kind: IncidentKind = 'failed'): Promise<string> {
  const key: AgentKey = agentKey('order', 'a b');
  const id = incidentId(kind, key, occurrence);
  const incident: Incident = {
    v: 1,
    id,
    kind,
    agent: 'order/a b' as Incident['agent'],
    code: 'AGENT_FAILED',
    message: 'it was given a secret',
    facts: { seq: 1 },
    node: 'node-1',
    atMs: 1_700_000_000_000,
  };
  await jetstream(world.connection).publish(world.client.layout.incidentSubject(id), encode(incident));
  return id;
}

/** What a forwarder has neither sent nor given up. */
async function left(name: string): Promise<number> {
  const manager = await jetstreamManager(world.connection, { checkAPI: false });
  const info = await manager.consumers.info(world.client.layout.incidentsStream, `forward-${name}`);
  return info.num_pending + info.num_ack_pending;
}

function verified({ headers, raw }: Taken, secret: string): unknown {
  return new Webhook(secret).verify(raw, headers as Record<string, string>);
}

describe('a forwarder', () => {
  test('sends what a placement node tells, signed for anybody who takes Standard Webhooks', async () => {
    const machine = createMachine({
      on: {
        burst: {
          actions: () => {},
          guard: () => {
            throw new Error('a secret');
          },
        },
      },
    });
    const bad = defineAgent({ type: 'bad', machine, onPoison: 'stop', retry: { attempts: 1, backoffMs: 1 } });
    const name = await forward();
    const node = await startPlacementNode({ connection: world.connection, agents: [bad] });
    try {
      await world.client.agent(bad, 'x y').send({ type: 'burst' });
      await eventually(() => receiver.taken.length).toBe(1);
    } finally {
      node.close();
    }

    const [delivery] = receiver.taken as [Taken];
    const [incident] = (await world.client.incidents.list({ agents: 'bad/*' })).incidents;
    expect(delivery.id).toBe(incident?.id);
    expect(verified(delivery, SECRET)).toEqual({
      type: 'wakebus.incident.failed',
      timestamp: new Date(incident?.atMs ?? 0).toISOString(),
      data: {
        id: incident?.id,
        kind: 'failed',
        agent: 'bad/x y',
        code: 'AGENT_FAILED',
        facts: { seq: expect.any(Number) as number, attempts: 2 },
        node: node.nodeId,
      },
    });
    expect(delivery.raw).not.toContain('secret');
    await eventually(() => left(name)).toBe(0);
  });

  test('signs by every secret of a rotation, and tells messages where it shall', async () => {
    await forward({ secrets: [SECRET, OLD_SECRET], messages: true });

    await tell('rotated');

    await eventually(() => receiver.taken.length).toBe(1);
    const [delivery] = receiver.taken as [Taken];
    for (const secret of [SECRET, OLD_SECRET])
      expect(verified(delivery, secret)).toMatchObject({ data: { message: 'it was given a secret' } });
    expect(() => verified({ ...delivery, raw: `${delivery.raw} ` }, SECRET)).toThrow('No matching signature');
  });

  test('tries again what is refused, redirected or not answered, under the same ID, until it is taken', async () => {
    await using elsewhere = await Receiver.open();
    receiver.answers = [
      refusal,
      (response) => void response.writeHead(307, { location: elsewhere.url }).end(),
      () => {}, // Never answered.
      (response) => void response.destroy(),
    ];
    const name = await forward({ timeoutMs: 200 });

    const id = await tell('again');

    await eventually(() => receiver.ids).toEqual([id, id, id, id, id]);
    await eventually(() => left(name)).toBe(0);
    expect(elsewhere.taken).toEqual([]);
    for (const delivery of receiver.taken) expect(verified(delivery, SECRET)).toMatchObject({ data: { id } });
  });

  test('waits for as long as its receiver asks for', async () => {
    receiver.answers = [(response) => void response.writeHead(429, { 'retry-after': '1' }).end()];
    await forward();

    await tell('later');

    await eventually(() => receiver.taken.length).toBe(2);
    const [first, second] = receiver.taken as [Taken, Taken];
    expect(second.atMs - first.atMs).toBeGreaterThan(900);
  });

  test('lets no incident that is refused stand in the way of the others', async () => {
    const name = await forward({ backoffMs: 3_600_000, mostBackoffMs: 3_600_000 });
    receiver.answers = [refusal];

    await tell('refused');
    await eventually(() => receiver.taken.length).toBe(1);
    const next = await tell('next');

    await eventually(() => receiver.ids.at(-1)).toBe(next);
    await eventually(() => left(name)).toBe(1);
  });

  test('gives up what nobody takes for too long, and says so', async () => {
    const warnings: unknown[] = [];
    receiver.answers = [refusal];
    const name = await forward({ giveUpMs: 0, log: { warn: (text, facts) => void warnings.push([text, facts]) } });

    const incident = await tell('given-up');

    await eventually(() => left(name)).toBe(0);
    expect(receiver.ids).toEqual([incident]);
    expect(warnings).toEqual([['an incident is not sent any more', { incident, why: 'it answered 500', tries: 1 }]]);
  });

  test('shares the incidents with others of its name, and goes on where they ended', async () => {
    const name = await forward();
    await forward({ name });
    const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => tell(`shared-${i}`)));
    await eventually(() => receiver.taken.length).toBe(40);
    await eventually(() => left(name)).toBe(0);
    expect(receiver.ids.toSorted()).toEqual(ids.toSorted());

    await Promise.all(forwarders.splice(0).map((forwarder) => forwarder.close()));
    const missed = await tell('while-nobody-was-there');
    await forward({ name });

    await eventually(() => receiver.ids.at(-1)).toBe(missed);
    expect(receiver.taken).toHaveLength(41);
  });

  test('begins with what comes, or with all that is kept, and takes the kinds that it is told to', async () => {
    const before = await tell('before', 'maybe');
    const late = await forward();
    await forward({ from: 'beginning', kinds: ['maybe'] });
    await eventually(() => receiver.ids).toEqual([before]);

    const after = await tell('after', 'quarantined');

    await eventually(() => receiver.ids).toEqual([before, after]);
    await eventually(() => left(late)).toBe(0);
  });

  test('goes on when its consumer is deleted', async () => {
    const name = await forward();
    const manager = await jetstreamManager(world.connection, { checkAPI: false });
    await manager.consumers.delete(world.client.layout.incidentsStream, `forward-${name}`);

    await eventually(() => left(name).catch(() => -1)).toBe(0);
    const id = await tell('anew');

    await eventually(() => receiver.ids).toEqual([id]);
  });

  test.each([
    ['to', { to: 'ftp://example.com' }],
    ['to', { to: 'https://ada:secret@example.com' }],
    ['secrets', { secrets: [] }],
    ['secrets', { secrets: [SECRET, 'whsec_c2hvcnQ='] }],
    ['name', { name: 'a.b' }],
  ])('is refused with a %s that will not do', async (option, options) => {
    await expect(forward(options)).rejects.toMatchObject({ code: 'INVALID_OPTION', facts: { option } });
  });

  test('is refused where there is no such deployment', async () => {
    await expect(forward({ prefix: 'nowhere' })).rejects.toMatchObject({ code: 'STREAM_MISSING' });
  });
});
