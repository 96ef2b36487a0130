/** `wakebus dead replay` and `wakebus dead discard`. */
import type { Command } from 'commander';
import type { ParkedDetail, ParkedSummary } from '@wakebus/client';
import { WakebusError, isWakebusError, parseAddress } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { type ActionFlags, actionFlags, confirm, reasonOf } from '../confirmation.ts';
import { type Filter, filterFlags, pick, readId, whatOf } from '../dead-filter.ts';
import { Exit, exitCodeOf } from '../exit-codes.ts';
import { counted, oneLine } from '../human.ts';
import type { Session } from '../session.ts';

interface ChoiceFlags extends Filter, ActionFlags {
  readonly all?: boolean;
  readonly held?: boolean;
}

type Act = (context: CommandContext, session: Session, ids: readonly string[], flags: ChoiceFlags) => Promise<void>;

export function addReplay(dead: Command, io: CliIo): void {
  const command = choosing(dead.command('replay [id...]'), io, false, replay, releaseHeld)
    .description('send dead letters to their agents again. Twice is once: the agent knows a replay again')
    .option('--held', 'in place of numbers an agent: let it run again, and take what stood aside');
  examples(command, [
    'wakebus dead replay 17 18 --reason "the machine is mended"',
    'wakebus dead replay --type order --code DEAD_LETTERED --dry-run',
    'wakebus dead replay --held order/42',
  ]);
}

export function addDiscard(dead: Command, io: CliIo): void {
  const command = choosing(dead.command('discard [id...]'), io, true, discard, clearHeld)
    .description('throw dead letters away for good')
    .option('--held', 'in place of numbers an agent: throw away all that waits for it');
  examples(command, [
    'wakebus dead discard 17 --reason "sent twice by hand"',
    'wakebus dead discard --code EVENT_UNKNOWN --type order --force',
    'wakebus dead discard --held order/42',
  ]);
}

/** A command about letters or, with `--held`, about what stands aside for an agent. */
function choosing(command: Command, io: CliIo, destroys: boolean, onLetters: Act, onHeld: Act): Command {
  return actionFlags(filterFlags(command), destroys)
    .option('--all', 'all that there are')
    .action(async (ids: string[], flags: ChoiceFlags, self: Command) => {
      const context = contextOf(self, io);
      const act = flags.held === true ? onHeld : onLetters;
      await connected(context, (session) => act(context, session, ids, flags));
    });
}

async function replay(
  context: CommandContext,
  session: Session,
  ids: readonly string[],
  flags: ChoiceFlags,
): Promise<void> {
  const letters = await choose(session, ids, flags);
  if (flags.dryRun === true) return preview(context, letters, 'replayed');
  await each(context, letters, 'replayed', async ({ id, address }) => {
    const receipt = await session.client.deadLetters.replay(id, reasonOf(flags));
    context.output.data('replay', { id, agent: address, ...receipt }, () => receipt.messageId);
  });
}

async function discard(
  context: CommandContext,
  session: Session,
  ids: readonly string[],
  flags: ChoiceFlags,
): Promise<void> {
  const letters = await choose(session, ids, flags);
  if (flags.dryRun === true) return preview(context, letters, 'discarded');
  const [first] = letters;
  if (first === undefined) return context.output.message('0 dead letters discarded');
  const name = flags.agent ?? flags.type ?? (flags.all === true ? 'all' : first.address);
  await confirm(context, flags, `Discarding ${counted(letters.length, 'dead letter')}`, name);
  await each(context, letters, 'discarded', async ({ id }) => {
    await session.client.deadLetters.discard(id, reasonOf(flags));
    if (context.output.json) context.output.data('discard', { id }, () => '');
  });
}

/** The letters that a command is about. @throws {WakebusError} `INVALID_OPTION`, `PARKED_NOT_FOUND`. */
async function choose({ client }: Session, ids: readonly string[], flags: ChoiceFlags): Promise<ParkedSummary[]> {
  const filter = pick(flags);
  const isFiltered = Object.keys(filter).length > 0 || flags.all === true;
  if (isFiltered === ids.length > 0)
    throw new WakebusError('INVALID_OPTION', {
      option: 'id',
      why: 'give the numbers of dead letters, or else --agent, --type, --code or --all',
    });
  const found: ParkedSummary[] = [];
  for (const id of ids) found.push(withoutBody(await client.deadLetters.get(readId(id))));
  let cursor: string | undefined;
  for (let more = isFiltered; more;) {
    const page = await client.deadLetters.list({ ...filter, pageSize: 1_000, ...(cursor !== undefined && { cursor }) });
    found.push(...page.messages);
    ({ cursor } = page);
    more = cursor !== undefined;
  }
  return found;
}

function withoutBody({ payload: _payload, headers: _headers, ...summary }: ParkedDetail): ParkedSummary {
  return summary;
}

function preview({ output }: CommandContext, letters: readonly ParkedSummary[], done: string): void {
  for (const letter of letters)
    output.data('dead-letter', letter, () => `${letter.id}  ${oneLine(letter.address)}  ${whatOf(letter)}`);
  output.message(`${counted(letters.length, 'dead letter')} would be ${done}`);
}

/** Does something to each letter. One that is gone or cannot be taken does not keep the others waiting. */
async function each(
  { output }: CommandContext,
  letters: readonly ParkedSummary[],
  done: string,
  act: (letter: ParkedSummary) => Promise<void>,
): Promise<void> {
  let failed: unknown;
  let count = 0;
  for (const letter of letters) {
    try {
      await act(letter);
      count += 1;
    } catch (thrown) {
      if (!isWakebusError(thrown, 'NOT_REPLAYABLE') && !isWakebusError(thrown, 'PARKED_NOT_FOUND')) throw thrown;
      output.error(thrown);
      failed = thrown;
    }
  }
  if (!output.json) output.message(`${counted(count, 'dead letter')} ${done}`);
  if (failed !== undefined) throw new Exit(exitCodeOf(failed));
}

async function releaseHeld(
  { output }: CommandContext,
  { client }: Session,
  targets: readonly string[],
  flags: ChoiceFlags,
): Promise<void> {
  const address = oneAgent(targets);
  if (flags.dryRun === true) return output.message(`${address} would run again, and take what stood aside`);
  await client.release(address, reasonOf(flags));
  output.message(`${address} runs again, and takes what stood aside`);
}

async function clearHeld(
  context: CommandContext,
  { client }: Session,
  targets: readonly string[],
  flags: ChoiceFlags,
): Promise<void> {
  const address = oneAgent(targets);
  if (flags.dryRun === true) {
    const waiting = (await client.inspect(address))?.waiting ?? 0;
    return context.output.message(`${counted(waiting, 'message')} for ${address} would be thrown away`);
  }
  await confirm(context, flags, `Throwing away all that waits for ${address}`, address);
  await client.held.clear(address, reasonOf(flags));
  context.output.message(`nothing waits for ${address} any more`);
}

function oneAgent(targets: readonly string[]): string {
  const [address] = targets;
  if (address === undefined || targets.length > 1)
    throw new WakebusError('INVALID_OPTION', { option: '--held', why: 'name one agent: <type>/<id>' });
  parseAddress(address);
  return address;
}
