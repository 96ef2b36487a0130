import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgentKey, Layout, MAX_PARTITIONS, type RuntimeKind, agentKey, encodeEventName } from '../src/mod.ts';
import { failing } from './failing.ts';

const key = agentKey('order', 'a/b');
const layouts = fc.record({
  prefix: fc.constantFrom('wakebus', 'w', 'other-one'),
  partitions: fc.constantFrom(1, 64, 512),
  shards: fc.constant(1),
});
const keys = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }).map((id) => agentKey('order', id));
const kinds = fc.constantFrom<RuntimeKind>('message', 'timer', 'effect', 'control');

/** What a server does with `inboxTransform`. */
function stored(layout: Layout, agent: AgentKey, event: string): string {
  const [, , type, id, ...rest] = [
    '',
    ...layout
      .agentSubject(agent, event)
      .split('.')
      .slice(layout.prefix === 'wakebus' ? 0 : 1),
  ];
  return layout.inboxTransform.dest
    .replace(/\{\{partition\(.*?\)\}\}/, String(layout.partitionOf(agent)))
    .replace('{{wildcard(1)}}', type ?? '')
    .replace('{{wildcard(2)}}', id ?? '')
    .replace('>', rest.join('.'));
}

describe('a stored inbox subject', () => {
  test('of an event says whose it is and what it is called', () => {
    fc.assert(
      fc.property(layouts, keys, fc.constantFrom('go', 'issue.opened', 'ä b'), (options, agent, event) => {
        const layout = new Layout(options);
        const subject = stored(layout, agent, event);
        expect(layout.readInboxSubject(subject)).toEqual({ key: agent, kind: 'event', event: encodeEventName(event) });
        expect(layout.readPending(subject)).toEqual({ key: agent, partition: layout.partitionOf(agent) });
      }),
    );
  });

  test('of the runtime says its kind', () => {
    fc.assert(
      fc.property(layouts, keys, kinds, (options, agent, kind) => {
        const layout = new Layout(options);
        expect(layout.readInboxSubject(layout.runtimeSubject(agent, kind))).toEqual({ key: agent, kind });
      }),
    );
  });

  test.each(['wakebus.inbox.3', 'wakebus.inbox.3.order', 'wakebus.inbox.3.order.x', 'wakebus.inbox.3.order.x.y.z', ''])(
    'that is none (%j) is read as nothing',
    (subject) => {
      expect(new Layout().readInboxSubject(subject)).toBeUndefined();
      expect(new Layout().readPending(subject)).toBeUndefined();
    },
  );

  test('of a sharded deployment is the one that the front door leads to', () => {
    const layout = new Layout({ shards: 4 });
    expect(layout.eventSubject(key, 'go')).toBe(stored(layout, key, 'go'));
  });
});

test('an event of one agent is never read as another one’s, nor as the runtime’s', () => {
  const layout = new Layout();
  const tricky = agentKey('order', 'x.e.y.s.timer');
  expect(layout.readInboxSubject(stored(layout, tricky, 's.timer'))).toEqual({
    key: tricky,
    kind: 'event',
    event: 's.timer',
  });
});

test('plain subjects belong to the deployment called "wakebus" alone', () => {
  expect(new Layout().agentSubject(key, 'go')).toBe('agents.order.a=2Fb.go');
  expect(new Layout({ prefix: 'blue' }).agentSubject(key, 'go')).toBe('blue.agents.order.a=2Fb.go');
});

test('every partition lives in one shard, and every shard has its share', () => {
  const layout = new Layout({ partitions: 64, shards: 4 });
  const all = [0, 1, 2, 3].flatMap((shard) => layout.partitionsOf(shard));
  expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, p) => p));
  expect(layout.partitionsOf(1)).toHaveLength(16);
});

test.each([
  ['prefix', { prefix: 'a.b' }],
  ['prefix', { prefix: '' }],
  ['prefix', { prefix: 'x'.repeat(33) }],
  ['partitions', { partitions: 0 }],
  ['partitions', { partitions: MAX_PARTITIONS + 1 }],
  ['partitions', { partitions: 1.5 }],
  ['shards', { shards: 17 }],
  ['shards', { partitions: 2, shards: 3 }],
])('a layout with a wrong %s is refused', (option, options) => {
  expect(failing('INVALID_OPTION', () => new Layout(options)).option).toBe(option);
});

test('an effect that may not start is found by its target or its agent type, whatever the target is called', () => {
  const layout = new Layout();
  for (const target of ['till', 'https://bank.example/v1', 'ä'.repeat(300), '\uD800x'.repeat(100)]) {
    const subject = layout.parkedSubject(key, '1-0', target);
    expect(subject).toMatch(/^[^*>\s]+\.parked$/);
    expect(layout.readParked(subject)).toBe(key);
    for (const filter of [layout.parkedFilter({ target }), layout.parkedFilter({ type: 'order' })])
      expect(isMatch(filter, subject)).toBe(true);
    expect(isMatch(layout.parkedFilter({ target: 'bank' }), subject)).toBe(false);
    expect(isMatch(layout.deadlinesFilter, subject)).toBe(false);
    expect(layout.disabledKey({ target })).toMatch(/^disabled\.target\.[A-Za-z0-9_=-]{1,200}$/);
  }
  expect(layout.disabledKey({ type: 'order' })).toBe('disabled.type.order');
});

/** Whether a server's filter takes a subject; `*` only. */
function isMatch(filter: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  return wanted.length === tokens.length && wanted.every((token, i) => token === '*' || token === tokens[i]);
}
