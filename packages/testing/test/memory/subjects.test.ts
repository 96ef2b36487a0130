import { Layout, agentKey } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { subjectTest, subjectTransform } from '../../src/memory/subjects.ts';

describe('a filter', () => {
  test.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.*.>', 'a.b.c.d', true],
    ['a.*.>', 'a.b', false],
    ['*.b.*', 'a.b.c', true],
    ['*.b.*', 'a.c.c', false],
    ['>', 'a', true],
  ])('%s of %s: %s', (filter, subject, matches) => {
    expect(subjectTest(filter)(subject)).toBe(matches);
  });
});

describe("the layout's transforms", () => {
  test('put an event under its partition', () => {
    for (const layout of [new Layout(), new Layout({ prefix: 'other', partitions: 7 })]) {
      const transform = subjectTransform(layout.inboxTransform);
      for (let i = 0; i < 100; i += 1) {
        const key = agentKey('greeter', `id ${i}`);
        const stored = transform(layout.agentSubject(key, 'issue.opened'));
        expect(layout.readInboxSubject(stored)).toEqual({ key, kind: 'event', event: 'issue.opened' });
        expect(layout.readPending(stored)).toEqual({ key, partition: layout.partitionOf(key) });
      }
    }
  });

  test('put what a timer fires into the inbox of its agent', () => {
    const layout = new Layout();
    const key = agentKey('greeter', 'ann');
    expect(subjectTransform(layout.fireTransform)(layout.fireSubject(key))).toBe(layout.runtimeSubject(key, 'timer'));
  });

  test('leave other subjects alone', () => {
    const layout = new Layout();
    const subject = layout.runtimeSubject(agentKey('greeter', 'ann'), 'message');
    expect(subjectTransform(layout.inboxTransform)(subject)).toBe(subject);
  });
});
