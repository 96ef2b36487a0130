/** `wakebus tokens`: who may do what through gateways. A token's text is shown once, when it is made. */
import type { Command } from 'commander';
import type { IssuedToken, TokenRecord, TokenStore, Verb } from '@wakebus/gateway';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { readDurationFlag, since, table } from '../human.ts';
import { showList } from '../listing.ts';

interface IssueFlags {
  readonly verbs: string;
  readonly name?: string;
  readonly expires?: string;
  readonly rate?: string;
}

export function addTokens(program: Command, io: CliIo): void {
  const tokens = program.command('tokens').description('issue, list, rotate and revoke the tokens of gateways');
  addIssue(tokens, io);
  addList(tokens, io);
  addRotate(tokens, io);
  addRevoke(tokens, io);
}

function addIssue(tokens: Command, io: CliIo): void {
  const command = tokens
    .command('issue <target>')
    .description('make a token for an agent (order/17), a type (order/*) or everything (*); printed once')
    .option('--verbs <verbs>', 'some of send, call, read, control, separated by commas', 'send,call,read')
    .option('--name <name>', 'what it is for')
    .option('--expires <time>', 'end it after so long, as 30d')
    .option('--rate <count>', 'requests a second (default: no limit of its own)')
    .action(async (target: string, flags: IssueFlags, self: Command) => {
      const lifetimeMs = readDurationFlag('--expires', flags.expires);
      const perSecond = rateOf(flags.rate);
      const wish = {
        target,
        verbs: flags.verbs.split(',').map((verb) => verb.trim()) as Verb[],
        ...(flags.name !== undefined && { name: flags.name }),
        ...(lifetimeMs !== undefined && { lifetimeMs }),
        ...(perSecond !== undefined && { perSecond }),
      };
      const context = contextOf(self, io);
      await withStore(context, async (store) => say(context, await store.issue(wish)));
    });
  examples(command, ['wakebus tokens issue "order/*" --verbs send --name shop --expires 90d']);
}

function addList(tokens: Command, io: CliIo): void {
  tokens
    .command('list')
    .description('list tokens, without their secrets')
    .action(async (_flags: object, self: Command) => {
      const context = contextOf(self, io);
      await withStore(context, async (store) =>
        showList(context.output, { kind: 'token', thing: 'token', table: asTable }, (await store.list()).map(shownOf)),
      );
    });
}

function addRotate(tokens: Command, io: CliIo): void {
  const command = tokens
    .command('rotate <id>')
    .description('give a token another secret; the one before stays good for a while')
    .option('--overlap <time>', 'how long (default: 24h)')
    .action(async (id: string, flags: { readonly overlap?: string }, self: Command) => {
      const overlapMs = readDurationFlag('--overlap', flags.overlap);
      const context = contextOf(self, io);
      await withStore(context, async (store) => say(context, await store.rotate(id, overlapMs)));
    });
  examples(command, ['wakebus tokens rotate 6f1c0a9be2d34857 --overlap 1h']);
}

function addRevoke(tokens: Command, io: CliIo): void {
  tokens
    .command('revoke <id>')
    .description('end a token for good, in all gateways within 5 s')
    .action(async (id: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      await withStore(context, async (store) => void (await store.revoke(id)));
      context.output.message(`${id}: revoked`);
    });
}

/** The gateway's package is loaded only for these commands. */
async function withStore(context: CommandContext, work: (store: TokenStore) => Promise<void>): Promise<void> {
  const gateway = await import('@wakebus/gateway');
  await connected(context, async ({ connection }) =>
    work(await gateway.TokenStore.open(connection, context.settings.prefix)),
  );
}

function say({ output }: CommandContext, { token, record }: IssuedToken): void {
  output.data('token', { token, ...shownOf(record) }, () => token);
  if (!output.json) output.message(`${record.id}: ${record.verbs.join(', ')} ${record.target}. It is not shown again.`);
}

/** A record without its hashes. */
interface ShownToken extends Omit<TokenRecord, 'v' | 'secrets'> {
  readonly secrets: ReadonlyArray<Omit<TokenRecord['secrets'][number], 'hash'>>;
}

function shownOf({ v: _version, secrets, ...record }: TokenRecord): ShownToken {
  return { ...record, secrets: secrets.map(({ hash: _hash, ...secret }) => secret) };
}

function asTable(records: readonly ShownToken[], nowMs: number): string {
  const cells = records.map((record) => [
    record.id,
    record.target,
    record.verbs.join(','),
    stateOf(record, nowMs),
    since(record.createdMs, nowMs),
    record.name ?? '',
  ]);
  return table(['ID', 'TARGET', 'VERBS', 'STATE', 'ISSUED', 'NAME'], cells);
}

function stateOf({ revokedMs, expiresMs = Infinity, secrets }: ShownToken, nowMs: number): string {
  if (revokedMs !== undefined) return 'revoked';
  if (nowMs >= expiresMs) return 'expired';
  return secrets.filter(({ untilMs = Infinity }) => nowMs < untilMs).length > 1 ? 'rotating' : 'good';
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (rate > 0) return rate;
  throw new WakebusError('INVALID_OPTION', { option: '--rate', why: 'write a number above 0' });
}
