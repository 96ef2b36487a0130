/** XState's behaviours, played to an agent. What holds is written down in `XSTATE.md`; `UPDATE=1` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { failing } from '../failing.ts';
import { AsleepSide, agentOf } from './asleep-side.ts';
import type { Behaviour } from './behaviour.ts';
import { children } from './children.ts';
import { delays } from './delays.ts';
import { invokes } from './invokes.ts';
import { LiveSide } from './live-side.ts';
import { refusals } from './refusals.ts';
import { spawning } from './spawning.ts';
import { rehydration } from './rehydration.ts';

const topics: Readonly<Record<string, readonly Behaviour[]>> = {
  Delays: delays,
  Promises: invokes,
  Children: children,
  'Spawned children and references': spawning,
  Rehydration: rehydration,
  Refused: refusals,
};

async function playBoth(behaviour: Behaviour): Promise<{ live: unknown[]; asleep: unknown[] }> {
  const live = new LiveSide(behaviour);
  const asleep = new AsleepSide(behaviour);
  const seen = { live: [live.seen] as unknown[], asleep: [asleep.seen] as unknown[] };
  for (const happening of behaviour.happens) {
    await live.take(happening);
    await asleep.take(happening);
    seen.live.push(live.seen);
    seen.asleep.push(asleep.seen);
  }
  return seen;
}

for (const [topic, behaviours] of Object.entries(topics)) {
  describe(topic, () => {
    test.each(behaviours.map((behaviour) => [behaviour.what, behaviour] as const))('%s', async (_, behaviour) => {
      if (behaviour.refused !== undefined) {
        expect(failing('MACHINE_UNSUPPORTED', () => agentOf(behaviour, () => {})).why).toMatch(behaviour.refused);
        return;
      }
      const { live, asleep } = await playBoth(behaviour);
      if (behaviour.differs === undefined) expect(asleep).toEqual(live);
      else expect(asleep).not.toEqual(live);
    });
  });
}

test('XSTATE.md says what holds', () => {
  const file = new URL('../../XSTATE.md', import.meta.url);
  if (process.env['UPDATE'] === '1') writeFileSync(file, tableOf(topics));
  expect(readFileSync(file, 'utf8')).toBe(tableOf(topics));
});

function tableOf(all: typeof topics): string {
  const head = [
    '# XState in an agent',
    '',
    'Each row is a test (`test/xstate/`): the machine is played to a live XState actor and to an agent that sleeps before',
    'every event, and the two are compared. Written by `UPDATE=1 npm test -- packages/core/test/xstate`.',
  ];
  const parts = Object.entries(all).flatMap(([topic, behaviours]) => [
    '',
    `## ${topic}`,
    '| | holds | otherwise |',
    '| --- | --- | --- |',
    ...behaviours.map(rowOf),
  ]);
  return [...head, ...parts, ''].join('\n');
}

function rowOf({ what, refused, differs }: Behaviour): string {
  if (refused !== undefined) return `| ${what} | refused | ${refused} |`;
  return `| ${what} | ${differs === undefined ? 'yes' : 'no'} | ${differs ?? ''} |`;
}
