import { afterAll, beforeAll, expect, test } from 'vitest';
import { type World, eventually, everyone, startWorld } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world[Symbol.asyncDispose]());

/** Asks as `nats micro` does, and gathers the answers. */
async function discover(subject: string): Promise<Array<Record<string, unknown>>> {
  const answers: Array<Record<string, unknown>> = [];
  const asked = await world.connection.requestMany(subject, '', { maxWait: 200, strategy: 'timer' });
  try {
    for await (const message of asked) if (message.data.length > 0) answers.push(message.json());
  } catch (error) {
    // The server says so when nobody is there to answer.
    expect(String(error)).toMatch(/no responders/i);
  }
  return answers.toSorted((a, b) => String(a['name']).localeCompare(String(b['name'])));
}

test('gateways and nodes are found by NATS service discovery, for as long as they run', async () => {
  const node = await world.startNode();
  const gateway = await world.serve({ authorize: everyone });

  await eventually(() => discover('$SRV.PING')).toMatchObject([
    { type: 'io.nats.micro.v1.ping_response', name: 'wakebus-gateway', metadata: { prefix: 'wakebus' } },
    { name: 'wakebus-node', id: node.nodeId, metadata: { types: 'tally', pool: 'default' } },
  ]);
  await eventually(() => discover(`$SRV.INFO.wakebus-node.${node.nodeId}`)).toMatchObject([
    { type: 'io.nats.micro.v1.info_response', version: '1.0.0', description: 'Runs agents', endpoints: [] },
  ]);
  await eventually(() => discover('$SRV.STATS.wakebus-gateway')).toMatchObject([
    { type: 'io.nats.micro.v1.stats_response', started: expect.stringMatching(/^\d{4}-.*Z$/) },
  ]);

  await gateway.close();
  await node.drain();
  await eventually(() => discover('$SRV.PING')).toEqual([]);
});
