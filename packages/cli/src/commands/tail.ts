/** `wakebus tail`: what agents do, a line each, as it happens. */
import type { Command } from 'commander';
import type { ObservedEvent, PastCommit } from '@wakebus/client';
import type { Layout } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { duration, listed, oneLine } from '../human.ts';

export function addTail(program: Command, io: CliIo): void {
  const command = program
    .command('tail [agents]')
    .description('print wakes, turns and sleeps as they happen: of an agent, of "<type>/*", or of all')
    .action(async (pattern: string | undefined, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      const { output } = context;
      const stopped = new AbortController();
      const end = io.onStop(() => stopped.abort());
      await connected(context, async ({ client }) => {
        const observation = client.observe(pattern ?? '*', (event) => {
          output.data('live', event, () => liveText(event, client.layout));
        });
        for await (const commit of client.follow(pattern ?? '*', { signal: stopped.signal }))
          output.data('turn', commit, () => turnText(commit));
        observation.stop();
      }).finally(end);
    });
  examples(command, ['wakebus tail', "wakebus tail 'order/*'", 'wakebus tail order/17 --json']);
}

function liveText(event: ObservedEvent, layout: Layout): string {
  if (event.kind === 'emit') return lineOf(event.atMs, event.address, `emits ${oneLine(event.event.type)}`);
  const cause = event.cause === undefined ? '' : ` by ${oneLine(causeText(event.cause, layout))}`;
  return lineOf(event.atMs, event.address, `is ${event.name} on ${oneLine(event.node)}${cause}`);
}

const wokenBy = { message: 'a message', timer: 'a timer', effect: 'an effect', control: 'an operator' } as const;

/** What has woken it, without the subject that it came under; of any other change its code. */
function causeText(cause: string, layout: Layout): string {
  const read = layout.readInboxSubject(cause);
  if (read === undefined) return cause;
  return read.kind === 'event' ? read.event : wokenBy[read.kind];
}

function turnText({ address, atMs, cost, events, outputs, state, turn }: PastCommit): string {
  const took = cost === undefined ? '' : ` in ${duration(cost.turnMs)}`;
  const taken = listed(events.map(({ type }) => type));
  const made = outputs.length === 0 ? '' : ` → ${listed(outputs)}`;
  return lineOf(atMs, address, `turn ${turn}: ${taken}${took}, ${oneLine(JSON.stringify(state) ?? '–')}${made}`);
}

function lineOf(atMs: number, address: string, text: string): string {
  return `${new Date(atMs).toISOString().slice(11, 23)}  ${oneLine(address)}  ${text}`;
}
