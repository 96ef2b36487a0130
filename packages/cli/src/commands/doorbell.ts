/**
 * `wakebus doorbell`: rings an agent from outside, once a period: for systemd timers, CronJobs and the like.
 *
 * The event's message ID names the period. Whoever rings twice in it, from whatever machine, rings once. It
 * loads the client only, and talks to the bus only: no placement node need run.
 */
import type { Command } from 'commander';
import { WakebusError, encodeEventName, isReservedEvent, parseAddress } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, contextOf, examples } from '../command-context.ts';
import { readDurationFlag } from '../human.ts';
import { readPayload } from '../payload.ts';
import { type Session, withClient } from '../session.ts';

interface DoorbellFlags {
  readonly period: string;
  readonly deadline: string;
  readonly name: string;
}

export function addDoorbell(program: Command, io: CliIo): void {
  const command = program
    .command('doorbell <agent> [event] [payload]')
    .description('send an event once a period, however often this is called in it: for timers outside')
    .option('--period <time>', 'periods of this length, counted from 1970 in UTC: 10min, 1h, 1d', '1h')
    .option('--name <name>', 'tells doorbells of one agent apart', 'doorbell')
    .option('--deadline <time>', 'how long to try', '30s')
    .action(
      async (
        agent: string,
        event: string | undefined,
        payload: string | undefined,
        flags: DoorbellFlags,
        self: Command,
      ) => {
        const context = contextOf(self, io);
        const ring = await readRing(io, agent, event ?? 'doorbell', payload, flags);
        await withClient(context.settings, io, (session) => send(context, session, ring));
      },
    );
  examples(command, [
    'wakebus doorbell report/daily wake --period 1d',
    `wakebus doorbell mailbox/ada poll '{"full":true}' --period 10min`,
  ]);
}

interface Ring {
  readonly agent: string;
  readonly event: { readonly type: string };
  readonly id: string;
  readonly deadlineMs: number;
}

async function readRing(
  io: CliIo,
  agent: string,
  type: string,
  payload: string | undefined,
  { period, deadline, name }: DoorbellFlags,
): Promise<Ring> {
  parseAddress(agent);
  if (isReservedEvent(type)) throw new WakebusError('RESERVED_EVENT', { event: type });
  encodeEventName(type);
  const periodMs = readDurationFlag('--period', period);
  if (periodMs < 1)
    throw new WakebusError('INVALID_OPTION', { option: '--period', why: 'write a time of 1ms or more' });
  const startMs = Math.floor(Date.now() / periodMs) * periodMs;
  return {
    agent,
    event: { ...(await readPayload(payload, io)), type },
    id: `${name}@${new Date(startMs).toISOString()}/${periodMs}`,
    deadlineMs: readDurationFlag('--deadline', deadline),
  };
}

async function send({ output }: CommandContext, { client }: Session, ring: Ring): Promise<void> {
  const { agent, event, id, deadlineMs } = ring;
  const receipt = await client.agentAt(agent).send(event, { id, deadlineMs });
  output.data('receipt', { agent, ...receipt }, () => receipt.messageId);
  if (!output.json) output.message(receipt.duplicate ? 'it has rung in this period' : 'it rang');
}
