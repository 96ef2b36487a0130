/** A removal leaves a marker that expires and leaves another one: ten seconds each, which is why this has a file of its own. */
import { startNatsServer } from '@wakebus/nats-server';
import { expect, test } from 'vitest';
import { compareTrace } from '../../src/conformance/compare-trace.ts';
import { ServerLane } from '../../src/conformance/server-lane.ts';

test('the model and a server agree: the marker of a removal leaves a marker of its own', async () => {
  await using servers = await startNatsServer({ maxPayloadBytes: 1024 * 1024 });
  const limits = { inboxMaxMessages: 100, inboxMaxBytes: 1024 ** 3, duplicateWindowMs: 120_000 };
  const lane = await ServerLane.open(servers, { name: 'markers', replicas: 1, ...limits });
  const { difference } = await compareTrace(lane, [
    { do: 'put', bucket: 'leases', key: 0, by: 0, expect: 'none' },
    { do: 'remove', bucket: 'leases', key: 0, by: 0, expect: 'last' },
    { do: 'watch', bucket: 'leases', whose: 0 },
    { do: 'wait', ms: 10_500 },
    { do: 'get record', bucket: 'leases', key: 0, fresh: true },
  ]);
  await lane.close();
  expect(difference).toBeUndefined();
});
