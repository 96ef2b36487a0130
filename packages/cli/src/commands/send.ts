/** `wakebus send`: one event to one agent; with `--wait` its answer. */
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import type { LaterOptions, Observation } from '@wakebus/client';
import { WakebusError, encodeEventName, isReservedEvent, parseAddress } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { duration, readDurationFlag, readTime } from '../human.ts';
import { toText } from '../output.ts';
import { readPayload } from '../payload.ts';
import type { Session } from '../session.ts';

interface SendFlags {
  readonly wait?: boolean;
  readonly id?: string;
  readonly deadline: string;
  readonly in?: string;
  readonly at?: string;
}

export function addSend(program: Command, io: CliIo): void {
  const command = program
    .command('send <agent> <event> [payload]')
    .description('send an event to an agent; payload is JSON, - for standard input, or @file')
    .option('-w, --wait', 'wait for the answer, which comes after the commit, and print it')
    .option('--id <key>', 'name of the event: the same name is the same event, however often it is sent')
    .option('--in <time>', 'send it so much later: 30s, 5min, 2h')
    .option('--at <time>', 'send it then: 2027-01-31T09:00:00Z, or milliseconds since 1970')
    .option('--deadline <time>', 'how long to try, and to wait: 250ms, 30s, 5min', '30s')
    .action(async (agent: string, event: string, payload: string | undefined, flags: SendFlags, self: Command) => {
      const context = contextOf(self, io);
      const request = await readRequest(io, agent, event, payload, flags);
      await connected(context, (session) =>
        flags.wait === true ? call(context, session, request) : send(context, session, request),
      );
    });
  examples(command, [
    'wakebus send hello/ada greet',
    `wakebus send hello/ada greet '{"name":"Ada"}' --wait`,
    'wakebus send issue/42 opened @issue.json --id delivery-7',
    'wakebus send order/42 remind --in 2h',
    'echo \'{"by":1}\' | wakebus send counter/a add -',
  ]);
}

/** What is to be sent, checked as far as it can be without a server. */
interface Request {
  readonly address: string;
  readonly event: { readonly type: string };
  readonly options: { readonly id?: string; readonly deadlineMs: number } & LaterOptions;
}

async function readRequest(
  io: CliIo,
  address: string,
  event: string,
  payload: string | undefined,
  { id: messageId, deadline, ...flags }: SendFlags,
): Promise<Request> {
  parseAddress(address);
  const deadlineMs = readDurationFlag('--deadline', deadline);
  if (isReservedEvent(event)) throw new WakebusError('RESERVED_EVENT', { event });
  encodeEventName(event);
  return {
    address,
    event: { ...(await readPayload(payload, io)), type: event },
    options: { deadlineMs, ...readLater(flags), ...(messageId !== undefined && { id: messageId }) },
  };
}

/** When it is to come, if not at once. An answer to it can be waited for by nobody. */
function readLater({ in: delay, at, wait }: Pick<SendFlags, 'in' | 'at' | 'wait'>): LaterOptions {
  const inMs = readDurationFlag('--in', delay);
  const atMs = readTime('--at', at);
  const count = Number(inMs !== undefined) + Number(atMs !== undefined) + Number(wait === true);
  if (count > 1)
    throw new WakebusError('INVALID_OPTION', { option: '--in', why: 'write one of --in, --at and --wait' });
  return { ...(inMs !== undefined && { inMs }), ...(atMs !== undefined && { atMs }) };
}

async function send({ output }: CommandContext, { client }: Session, request: Request): Promise<void> {
  const { address, event, options } = request;
  const receipt = await client.agentAt(address).send(event, options);
  const { messageId, seq, duplicate } = receipt;
  output.data('receipt', { agent: address, ...receipt }, () => messageId);
  if (!output.json) output.message(duplicate ? `it was stored before, at ${seq}` : `stored at ${seq}`);
}

async function call({ output }: CommandContext, { client, connection }: Session, request: Request): Promise<void> {
  const { address, event, options } = request;
  const sleep = new SleepWatch(client, address);
  try {
    await connection.flush();
    const startedMs = performance.now();
    const value = await client.agentAt(address).call(event, options);
    const tookMs = Math.round((performance.now() - startedMs) * 100) / 100;
    output.data('reply', { agent: address, value, tookMs }, () => (value === undefined ? 'done' : toText(value)));
    const asleepMs = await sleep.observed();
    if (asleepMs !== undefined) output.message(`asleep again after ${duration(asleepMs - startedMs)}`);
  } finally {
    sleep.stop();
  }
}

/** An agent that goes to sleep by itself does so within some milliseconds of its answer; nobody waits longer for it, in milliseconds. */
const SLEEP_PATIENCE_MS = 100;

/** Sees an agent fall asleep. */
class SleepWatch {
  readonly #client: Session['client'];
  readonly #address: string;
  readonly #observation: Observation;
  readonly #asleep = Promise.withResolvers<number>();

  constructor(client: Session['client'], address: string) {
    this.#client = client;
    this.#address = address;
    this.#observation = client.observe(address, (event) => {
      if (event.kind === 'lifecycle' && event.name === 'asleep') this.#asleep.resolve(performance.now());
    });
  }

  /** When it fell asleep, if it did about now. */
  async observed(): Promise<number | undefined> {
    const patience = new AbortController();
    const atMs = await Promise.race([this.#asleep.promise, this.#asleepByRecord(patience.signal)]);
    patience.abort();
    return atMs;
  }

  stop(): void {
    this.#observation.stop();
  }

  /** The announcement may be under way when the record says it already. Where it does not, nobody waits much longer. */
  async #asleepByRecord(signal: AbortSignal): Promise<number | undefined> {
    const agent = await this.#client.inspect(this.#address);
    if (agent?.lifecycle.name === 'asleep') return performance.now();
    return setTimeout(SLEEP_PATIENCE_MS, undefined, { signal }).catch(() => undefined);
  }
}
