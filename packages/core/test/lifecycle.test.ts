import { readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';
import { describe, expect, test } from 'vitest';
import {
  type LifecycleEventType,
  type Phase,
  lifecycleMachine,
  mermaidOf,
  nextPhase,
  phaseTimeoutMs,
} from '../src/mod.ts';

const phases = Object.keys(phaseTimeoutMs) as Phase[];
const events = [...new Set(['timeout', ...lifecycleMachine.events])] as LifecycleEventType[];

function walk(from: Phase, ...taken: LifecycleEventType[]): Phase | undefined {
  return taken.reduce<Phase | undefined>(
    (phase, event) => (phase === undefined ? undefined : nextPhase(phase, event)),
    from,
  );
}

describe('an agent', () => {
  test('wakes, runs, rests and sleeps', () => {
    expect(walk('asleep', 'wake')).toBe('waking.claiming');
    expect(walk('asleep', 'wake', 'claimed', 'hydrated', 'resumed')).toBe('awake.running');
    expect(walk('awake.running', 'drained', 'message', 'drained', 'sleep', 'dehydrated')).toBe('asleep');
  });

  test('that is idle for long enough goes to sleep, and a paused one when its memory is wanted', () => {
    expect(nextPhase('awake.idle', 'timeout')).toBe('dehydrating');
    expect(walk('awake.idle', 'pause', 'message', 'drained', 'pause', 'sleep', 'dehydrated')).toBe('asleep');
    expect(nextPhase('paused', 'timeout')).toBeUndefined();
  });

  test('that crashes backs off, tries again, and fails at last', () => {
    expect(walk('awake.running', 'crash', 'retry')).toBe('waking.claiming');
    expect(walk('waking.hydrating', 'crash', 'give-up')).toBe('failed');
    expect(walk('awake.running', 'give-up')).toBe('failed');
    expect(walk('failed', 'release')).toBe('asleep');
  });

  test('whose lease is gone is asleep here, wherever it was', () => {
    for (const phase of [
      'waking.claiming',
      'waking.resuming',
      'awake.running',
      'awake.idle',
      'paused',
      'dehydrating',
    ] as const)
      expect(nextPhase(phase, 'lease-lost')).toBe('asleep');
  });

  test('can be suspended, quarantined and removed from every phase of its life', () => {
    for (const phase of phases.filter((name) => !['suspended', 'completed', 'quarantined', 'removed'].includes(name))) {
      expect([nextPhase(phase, 'suspend'), nextPhase(phase, 'quarantine'), nextPhase(phase, 'remove')]).toEqual([
        'suspended',
        'quarantined',
        'removed',
      ]);
    }
  });

  test('that has completed, or was removed, is not suspended', () => {
    expect([
      nextPhase('completed', 'suspend'),
      nextPhase('removed', 'suspend'),
      nextPhase('removed', 'quarantine'),
    ]).toEqual([undefined, undefined, undefined]);
  });

  test('in quarantine leaves it by an operator’s hand only', () => {
    expect(events.filter((event) => nextPhase('quarantined', event) !== undefined).toSorted()).toEqual([
      'release',
      'remove',
    ]);
  });

  test('that was removed can only be born again', () => {
    expect(events.filter((event) => nextPhase('removed', event) !== undefined)).toEqual(['rebirth']);
  });
});

test('every phase can be reached', () => {
  const reached = new Set<Phase>(['asleep']);
  for (const phase of reached) for (const event of events) reached.add(nextPhase(phase, event) ?? phase);
  expect([...reached].toSorted()).toEqual(phases.toSorted());
});

test('every phase in which something is waited for has a timeout, and a way on from it', () => {
  for (const phase of phases)
    expect([phase, nextPhase(phase, 'timeout') !== undefined]).toEqual([phase, phaseTimeoutMs[phase] !== undefined]);
});

test('what means nothing in a phase is nothing, also the second time and for any name', () => {
  for (let i = 0; i < 2; i += 1)
    expect([nextPhase('asleep', 'hydrated'), nextPhase('asleep', 'toString' as never)]).toEqual([undefined, undefined]);
});

test('the drawing in the README is that of the machine (UPDATE=1 draws it anew)', () => {
  const readme = new URL('../README.md', import.meta.url);
  const text = readFileSync(readme, 'utf8');
  const marked = /(<!-- lifecycle -->\n)([\s\S]*?)(<!-- \/lifecycle -->)/;
  const drawing = `\`\`\`mermaid\n${mermaidOf(lifecycleMachine)}\n\`\`\`\n`;
  expect(text).toMatch(marked);
  if (env['UPDATE'] === '1')
    writeFileSync(
      readme,
      text.replace(marked, (_, start: string, __, end: string) => start + drawing + end),
    );
  else expect(marked.exec(text)?.[2]).toBe(drawing);
});
