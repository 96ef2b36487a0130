/** A short slice of `npm run chaos`, on real servers, placement nodes and clients. */
import { expect, test } from 'vitest';
import { type FaultRecord, Campaign } from '../../src/chaos/campaign.ts';
import { allFaults } from '../../src/chaos/catalog.ts';
import { campaignRows, faultLine, hasPassed, violationsOf } from '../../src/chaos/report.ts';

/** Kinds of every family that are over within seconds. */
const slice = [
  'node killed, turn',
  'node killed, in flight',
  'node killed, commit',
  'node killed, effect',
  'node killed, result',
  'node killed, relay',
  'node stopped, turn',
  'node drained',
  'clock stepped',
  'inbox leader killed',
  'server restarted',
  'partition, one way',
  'replies to a node dropped',
  'connections reset',
  'consumer deleted',
  'inbox purged of one agent',
  'record purged of one agent',
];

test('no fault on real processes loses, doubles or reorders anything', { timeout: 240_000 }, async () => {
  const kinds = allFaults.filter(({ kind }) => slice.includes(kind));
  const lines: FaultRecord[] = [];

  const result = await Campaign.run({
    faults: 8,
    seed: 5,
    kinds,
    agents: 60,
    workers: 3,
    paceMs: 15,
    onFault: (fault) => lines.push(fault),
  });

  expect(kinds.map(({ kind }) => kind).toSorted()).toEqual(slice.toSorted());
  const rows = campaignRows(result, 8);
  expect(violationsOf(result), lines.map(faultLine).join('\n')).toEqual([]);
  expect(hasPassed(rows), JSON.stringify(rows)).toBe(true);
  const [part] = result.parts;
  expect(part?.purchases.spared, 'effects that a key kept from happening twice').toBeGreaterThan(0);
  expect(part?.purchases.maybe, 'effects of which nobody knows').toBeGreaterThan(0);
});

test('a till that honours no key is seen', { timeout: 240_000 }, async () => {
  const kinds = allFaults.filter(({ kind }) => kind === 'node killed, result');

  const result = await Campaign.run({ faults: 1, seed: 5, kinds, agents: 60, workers: 3, honoursKeys: false });

  const rows = campaignRows(result, 1);
  expect(rows.find(({ name }) => name === 'effects-doubled')?.value).toBeGreaterThan(0);
  expect(hasPassed(rows)).toBe(false);
});
