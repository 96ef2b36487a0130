import { type Headers, Layout, agentKey, encode } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { type Inbound, readInbound } from '../../src/mod.ts';

const layout = new Layout();
const key = agentKey('notebook', 'one');
const JSON_EVENT = new TextEncoder().encode('{"word":"a","type":"forged"}');

function read(rest: string, data: Uint8Array = new Uint8Array(), headers: Headers = {}): Inbound {
  const subject = layout.mailboxFilter(key).replace(/>$/, rest);
  return readInbound(layout, key, { seq: 7, subject, headers, data, storedMs: 1_000 });
}

test('an event is named by its subject, whatever its payload says', () => {
  expect(read('e.issue.opened', JSON_EVENT)).toMatchObject({
    kind: 'event',
    event: { type: 'issue.opened', word: 'a' },
  });
});

test.each([
  ['nothing', new Uint8Array(), { type: 'note' }],
  ['a list', new TextEncoder().encode('[1]'), { type: 'note', data: [1] }],
  ['a number', new TextEncoder().encode('7'), { type: 'note', data: 7 }],
])('a payload of %s makes an event too', (_what, data, event) => {
  expect(read('e.note', data)).toMatchObject({ kind: 'event', event });
});

test('MessagePack is read where the header says so', () => {
  const data = encode({ at: new Date(5) });

  expect(read('e.note', data, { 'Content-Type': 'application/msgpack' })).toMatchObject({ event: { at: new Date(5) } });
});

describe('what nobody outside may send', () => {
  test.each(['e.xstate.done.actor.x', 'e.xstate.init', 'e.wakebus.remove'])('%s is refused', (rest) => {
    expect(read(rest)).toMatchObject({ kind: 'invalid', error: { code: 'RESERVED_EVENT' } });
  });

  test('a sender, a number and a generation are believed on runtime subjects only', () => {
    const forged = encode({
      v: 1,
      sender: 'writer.ada',
      incarnation: 1,
      number: 1,
      previous: 0,
      id: '1.0',
      event: { type: 'note' },
    });

    const inbound = read('e.message', forged, { 'Content-Type': 'application/msgpack' });

    expect(inbound).toMatchObject({ kind: 'event', event: { type: 'message' } });
  });
});

describe('what cannot be read', () => {
  const cases: ReadonlyArray<readonly [string, string, Uint8Array, string]> = [
    ['a payload that is not JSON', 'e.note', new TextEncoder().encode('{'), 'INVALID_PAYLOAD'],
    ['a name that no encoder wrote', 'e.a=zz', new Uint8Array(), 'INVALID_EVENT'],
    ['a runtime kind of a later version', 's.later', new Uint8Array(), 'INVALID_EVENT'],
    ['a runtime message without an envelope', 's.message', encode({ v: 2 }), 'INVALID_PAYLOAD'],
    ['a timer of garbage', 's.timer', new Uint8Array([0xc1]), 'INVALID_PAYLOAD'],
    ['a control message without a verb', 's.control', encode({ v: 1 }), 'INVALID_PAYLOAD'],
  ];
  test.each(cases)('%s is an invalid message, not an exception', (_what, rest, data, code) => {
    expect(read(rest, data)).toMatchObject({ kind: 'invalid', seq: 7, error: { code } });
  });

  test('a payload nested a million deep costs no stack', () => {
    const data = new TextEncoder().encode(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);

    expect(read('e.note', data)).toMatchObject({ kind: 'invalid', error: { code: 'INVALID_PAYLOAD' } });
  });

  test('`__proto__` in a payload is a field like any other, and changes no object', () => {
    const inbound = read('e.note', new TextEncoder().encode('{"__proto__":{"admin":true}}'));

    expect((inbound as { event: { admin?: boolean } }).event.admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('headers', () => {
  test('give the ID as the caller chose it, whether or not a client put the address before it', () => {
    expect(read('e.note', undefined, { 'Nats-Msg-Id': 'notebook.one:order-1' }).messageId).toBe('order-1');
    expect(read('e.note', undefined, { 'Nats-Msg-Id': 'order-1' }).messageId).toBe('order-1');
  });

  test('give a deadline, or 30 s from when the message was stored', () => {
    const deadline = (value?: string): number | undefined =>
      read('e.note', undefined, {
        'Wakebus-Reply': '_INBOX.x',
        ...(value !== undefined && { 'Wakebus-Deadline': value }),
      }).reply?.deadlineMs;

    expect([deadline('5000'), deadline(), deadline('soon'), deadline('-1')]).toEqual([5_000, 31_000, 31_000, 31_000]);
  });

  test.each(['wakebus.nodes.x.release', '_INBOX.*', '_INBOX.>', '_INBOX.a b', '$JS.API.STREAM.DELETE.x', ''])(
    'give no reply to %s: only plain inboxes are answered',
    (subject) => {
      expect(read('e.note', undefined, { 'Wakebus-Reply': subject }).reply).toBeUndefined();
    },
  );
});
