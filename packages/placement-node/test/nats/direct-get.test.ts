import { type Msg, headers } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { getBatch } from '../../src/nats/direct-get.ts';
import type { ReplyHandler, RequestMux } from '../../src/nats/request-mux.ts';

/** A message as a client without our way into its internals would hand it over. */
function message(fields: Record<string, string>, status?: [code: number, text: string]): Msg {
  const block = status === undefined ? headers() : headers(...status);
  for (const [name, value] of Object.entries(fields)) block.set(name, value);
  return { data: new Uint8Array(0), headers: block } as unknown as Msg;
}

function stored(seq: number, previous: number): Msg {
  return message({
    'Nats-Sequence': String(seq),
    'Nats-Last-Sequence': String(previous),
    'Nats-Subject': 'a.b',
    'Nats-Time-Stamp': '2026-11-20T18:49:09.353402638Z',
    note: 'kept',
  });
}

const end = (last: number): Msg => message({ 'Nats-Last-Sequence': String(last) }, [204, 'EOB']);

/** Answers one request with the given messages, as long as the reader wants more. */
function answering(...messages: readonly Msg[]): RequestMux {
  const send = (_subject: string, _data: Uint8Array, handler: ReplyHandler): void => {
    for (const each of messages) if (!handler.onReply(each)) break;
  };
  return { send } as unknown as RequestMux;
}

const read = (...messages: readonly Msg[]): Promise<Array<{ seq: number }>> =>
  getBatch(answering(...messages), 'S', 'a.>', 0, 10);

describe('a batch', () => {
  test('is what came before its end, without what the read added', async () => {
    const batch = await read(stored(3, 0), stored(8, 3), end(8));
    expect(batch.map(({ seq }) => seq)).toEqual([3, 8]);
    expect(batch[0]).toMatchObject({ subject: 'a.b', headers: { note: 'kept' }, storedMs: 1_795_200_549_353 });
    expect(batch[0]).not.toHaveProperty('headers.Nats-Sequence');
  });

  test('of nothing is empty', async () => {
    expect(await read(message({}, [404, 'No Results']))).toEqual([]);
  });

  test('that lost a message on the way is no answer', async () => {
    await expect(read(stored(3, 0), stored(9, 8), end(9))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('that lost its last message is no answer', async () => {
    await expect(read(stored(3, 0), stored(8, 3), end(9))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('that the server refuses is no answer', async () => {
    await expect(read(message({}, [408, 'Bad Request']))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      cause: { message: 'Bad Request' },
    });
  });
});
