/** What is read off a run: each violation by its promise, each figure against its target, slopes. */
import { agentKey } from '@wakebus/protocol';
import { checkGrowth, checkList, checkPairs, checkTotal } from '@wakebus/testing';
import { describe, expect, test } from 'vitest';
import { checkPurchases } from '../../src/workloads/purchases-check.ts';
import { drawChart } from '../../src/chaos/chart.ts';
import { classify } from '../../src/chaos/classify.ts';
import { Deck } from '../../src/chaos/deck.ts';
import { type CampaignResult, type FaultRecord } from '../../src/chaos/campaign.ts';
import { campaignRows, hasPassed } from '../../src/chaos/report.ts';
import { type Sample, slopeAnHour } from '../../src/chaos/soak.ts';
import type { RunHistory } from '../../src/checker/run-history.ts';
import { Prng } from '../../src/simulation/prng.ts';

const key = agentKey('ledger', 'a');
const sent = { required: new Set(['a', 'b']), allowed: new Set<string>() };
const parts = new Map([['a', 5]]);

/** One purchase that no agent knows of. */
const unheard: RunHistory = {
  agents: new Map(),
  operations: [{ id: 'p', agent: agentKey('buyer', 'a'), kind: 'careful', outcome: 'info', client: 'c' }],
  endMs: 0,
  missed: undefined,
  living: new Set(),
};

describe('a violation counts as', () => {
  test.each([
    ['lost', checkList(key, ['a'], sent)],
    ['doubled', checkList(key, ['a', 'b', 'b'], sent)],
    ['other', checkList(key, ['a', 'b', 'c'], sent)],
    ['lost', checkPairs([{ from: 'a', to: 'b', received: [1], sent: 2 }])],
    ['out of order', checkPairs([{ from: 'a', to: 'b', received: [2, 1], sent: 2 }])],
    ['out of order', checkGrowth({ key, writes: [], record: undefined, deadLetters: [] }, [['a'], ['b']])],
    ['lost', checkTotal('money', parts, 6)],
    ['doubled', checkTotal('money', parts, 4)],
    ['effects doubled', checkPurchases({ ...unheard, operations: [] }, new Map([['p', 2]]))],
    ['effects untold', checkPurchases(unheard, new Map([['p', 1]]))],
  ])('%s: %s', (broken, violations) => {
    expect(violations.map(classify)).toEqual([broken]);
  });
});

const purchases = { keyed: 9, spared: 2, unkeyed: 8, maybe: 1 };

function run(changes: Partial<CampaignResult['parts'][number]>, fault: Partial<FaultRecord> = {}): CampaignResult {
  const struck = { number: 1, kind: 'node killed, turn', met: 'a turn', stallMs: 5, tookMs: 9 };
  return {
    faults: [{ ...struck, recovers: 'agents', recoverMs: 900, ...fault }],
    parts: [{ operations: 100, acknowledged: 99, turns: 120, missed: 0, purchases, violations: [], ...changes }],
  };
}

describe('a run', () => {
  const passes = (result: CampaignResult): boolean => hasPassed(campaignRows(result, 1));
  const unmet: Partial<FaultRecord> = { met: undefined as never };

  test.each([
    ['in which everything held passes', run({}), true],
    ['that lost something does not pass', run({ violations: checkList(key, ['a'], sent) }), false],
    ['that did not come to rest does not pass', run({ violations: ['It never came to rest: …'] }), false],
    ['in which a fault saw a promise broken does not pass', run({}, { violations: ['ring: …'] }), false],
    ['with under 80 % of its operations confirmed proves nothing', run({ acknowledged: 79 }), false],
    ['whose faults met nothing proves nothing', run({}, unmet), false],
    ['that was slow passes: its times are figures', run({}, { recoverMs: 5_000 }), true],
  ])('%s', (_what, result, isPassed) => {
    expect(passes(result)).toBe(isPassed);
  });

  test('says when agents of a killed node took longer than promised', () => {
    const row = campaignRows(run({}, { recoverMs: 2_500 }), 1).find(({ name }) => name === 'killed-node-agents-run');
    expect(row).toEqual({ name: 'killed-node-agents-run', value: 2_500, unit: 'ms', target: '<= 2000 ms', met: false });
  });
});

test('each kind is drawn once before any comes again, and what is done once never', () => {
  const kinds = [{ kind: 'a' }, { kind: 'b' }, { kind: 'c', once: true }];
  const deck = new Deck(kinds, new Prng(1));
  const drawn = Array.from({ length: 7 }, () => deck.draw().kind);
  expect(drawn.slice(0, 3).toSorted()).toEqual(['a', 'b', 'c']);
  expect(drawn.slice(3).toSorted()).toEqual(['a', 'a', 'b', 'b']);
});

describe('a soak', () => {
  const samples: Sample[] = Array.from({ length: 50 }, (_, i) => ({
    atMs: i * 60_000,
    nodeHeapMb: 40 + i / 60,
    nodeRssMb: 100,
    serverMb: 50,
    handles: 12,
    consumers: 17,
    lag: i < 10 ? 500 : 2,
  }));

  test('gives growth an hour, without its warm-up', () => {
    expect(slopeAnHour(samples, 'nodeHeapMb')).toBeCloseTo(1, 6);
    expect(slopeAnHour(samples, 'lag')).toBe(0);
  });

  test('draws a curve of every measure', () => {
    const svg = drawChart(samples);
    expect(svg.match(/<polyline/g)).toHaveLength(6);
    expect(svg).toContain('1.00 MB an hour');
    expect(svg).not.toContain('NaN');
  });
});
