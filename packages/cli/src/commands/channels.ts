/** `wakebus channels`: the accounts by which agents answer, and the webhooks that bring their events. */
import { type Command, Option } from 'commander';
import {
  type Channel,
  type ChannelKind,
  channelKinds,
  openChannel,
  readTelegramWebhook,
  removeTelegramWebhook,
  setTelegramWebhook,
} from '@wakebus/channels';
import type { ChannelRecord, ChannelStore } from '@wakebus/gateway';
import { WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { Exit, exitCode } from '../exit-codes.ts';
import { table } from '../human.ts';
import { showList } from '../listing.ts';

interface AddFlags {
  readonly kind: ChannelKind;
  readonly tokenEnv: string;
  readonly secretEnv?: string;
  readonly url?: string;
  readonly poll?: boolean;
  readonly serviceUrl?: string;
  readonly agent?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Services answer within a second, or not at all. */
const PATIENCE_MS = 15_000;

export function addChannels(program: Command, io: CliIo): void {
  const channels = program.command('channels').description('accounts by which agents answer, and their webhooks');
  addAdd(channels, io);
  addList(channels, io);
  addCheck(channels, io);
  addRemove(channels, io);
}

function addAdd(channels: Command, io: CliIo): void {
  const command = channels
    .command('add <name>')
    .description('add a channel, or replace the one of that name; its credentials are tried first')
    .addOption(new Option('--kind <kind>', 'the service').choices([...channelKinds]).makeOptionMandatory())
    .requiredOption('--token-env <variable>', 'environment variable of the token by which it sends')
    .option('--secret-env <variable>', 'that of the secret by which deliveries are signed (Discord: the public key)')
    .option('--url <url>', 'where its deliveries come in, as the service sees it; Telegram is told')
    .option('--poll', 'Telegram: gateways fetch its updates; --url is its webhook while none does')
    .option('--service-url <url>', 'where the service is; Mattermost needs it')
    .option('--agent <agent>', 'the agent that a delivery rings, as notebook/{/message/chat/id}')
    .option('--event <event>', 'the event that it becomes')
    .option('--data <pointer>', "JSON pointer to the event's data (default: the whole body)")
    .action(async (name: string, flags: AddFlags, self: Command) => {
      const context = contextOf(self, io);
      const record = recordOf(name, flags);
      await withStore(context, (store) => add(context, store, record));
    });
  examples(command, [
    `wakebus channels add support --kind telegram --token-env TELEGRAM_TOKEN --secret-env TELEGRAM_SECRET --url https://bot.example.com/hooks/support --agent 'notebook/{/message/chat/id}' --event told`,
    `wakebus channels add support --kind telegram --token-env TELEGRAM_TOKEN --poll --agent 'notebook/{/message/chat/id}' --event told`,
    'wakebus channels add town --kind mattermost --token-env MATTERMOST_TOKEN --service-url https://chat.example.com',
  ]);
}

function addList(channels: Command, io: CliIo): void {
  channels
    .command('list')
    .description('list channels')
    .action(async (_flags: object, self: Command) => {
      const context = contextOf(self, io);
      await withStore(context, async (store) => {
        const rows = (await store.list()).map(({ v: _version, ...record }) => record);
        showList(context.output, { kind: 'channel', thing: 'channel', table: asTable }, rows);
      });
    });
}

function addCheck(channels: Command, io: CliIo): void {
  const command = channels
    .command('check [name]')
    .description('try the credentials of one channel, or of all; look at the webhooks of Telegram. 1 when one is wrong')
    .action(async (name: string | undefined, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      await withStore(context, async (store) => {
        const records = name === undefined ? await store.list() : [await store.get(name)];
        const faults = await Promise.all(records.map((record) => check(context, record)));
        if (faults.includes(true)) throw new Exit(exitCode.failed);
      });
    });
  examples(command, ['wakebus channels check', 'wakebus channels check support --json']);
}

function addRemove(channels: Command, io: CliIo): void {
  const command = channels
    .command('remove <name>')
    .description("forget a channel; Telegram's webhook is ended if it is this channel's")
    .action(async (name: string, _flags: object, self: Command) => {
      const context = contextOf(self, io);
      await withStore(context, async (store) => {
        await handBack(context, await store.get(name));
        await store.remove(name);
      });
      context.output.message(`${name}: removed`);
    });
  examples(command, ['wakebus channels remove support']);
}

/** The gateway's package is loaded only for these commands. */
async function withStore(context: CommandContext, work: (store: ChannelStore) => Promise<void>): Promise<void> {
  const gateway = await import('@wakebus/gateway');
  await connected(context, async ({ connection }) =>
    work(await gateway.ChannelStore.open(connection, context.settings.prefix)),
  );
}

function recordOf(name: string, flags: AddFlags): ChannelRecord {
  const { kind, tokenEnv, secretEnv, url, poll = false, serviceUrl, agent, event, data } = flags;
  if ((agent === undefined) !== (event === undefined))
    throw new WakebusError('INVALID_OPTION', { option: '--agent', why: 'it goes with --event' });
  if (agent !== undefined && secretEnv === undefined && !poll)
    throw new WakebusError('INVALID_OPTION', { option: '--secret-env', why: 'deliveries are believed by a secret' });
  if (url !== undefined && secretEnv === undefined)
    throw new WakebusError('INVALID_OPTION', { option: '--url', why: 'it goes with --secret-env' });
  const map = agent !== undefined && event !== undefined ? { agent, event } : undefined;
  return {
    v: 1,
    name,
    kind,
    tokenEnv,
    ...(secretEnv !== undefined && { secretEnv }),
    ...(url !== undefined && { url }),
    ...(poll && { isPolled: true }),
    ...(serviceUrl !== undefined && { serviceUrl }),
    ...(map !== undefined && { map: { ...map, ...(data !== undefined && { data }) } }),
    addedMs: Date.now(),
  };
}

/** Stored last: a channel that is there has worked once. */
async function add(context: CommandContext, store: ChannelStore, record: ChannelRecord): Promise<void> {
  const { output } = context;
  const { name, kind, url, secretEnv } = record;
  const { name: account } = await channelOf(context, record).check(AbortSignal.timeout(PATIENCE_MS));
  if (kind === 'telegram' && url !== undefined && secretEnv !== undefined) {
    await setTelegramWebhook(
      botOf(context, record),
      url,
      secretOf(context, secretEnv),
      AbortSignal.timeout(PATIENCE_MS),
    );
  }
  await store.put(record);
  output.data('channel', { name, kind, account }, () => `${name}  ${kind}  ${account}`);
  if (kind !== 'telegram' && url !== undefined) output.message(`Tell ${kind} to send to ${url}`);
}

/** @returns whether something is wrong. */
async function check(context: CommandContext, record: ChannelRecord): Promise<boolean> {
  const { output } = context;
  const { name, kind } = record;
  try {
    const { name: account } = await channelOf(context, record).check(AbortSignal.timeout(PATIENCE_MS));
    const fault = await webhookFault(context, record);
    const facts = { name, kind, account, ...(fault !== undefined && { fault }) };
    output.data('channel', facts, () => `${name}  ${kind}  ${account}  ${fault ?? 'good'}`);
    return fault !== undefined;
  } catch (error) {
    const fault = (error as Error).message;
    output.data('channel', { name, kind, fault }, () => `${name}  ${kind}  ${fault}`);
    return true;
  }
}

/** What is wrong with the webhook of a bot on Telegram. The other services cannot be asked. */
async function webhookFault(
  context: CommandContext,
  { kind, url = '', isPolled = false, ...record }: ChannelRecord,
): Promise<string | undefined> {
  if (kind !== 'telegram' || (url === '' && !isPolled)) return undefined;
  const found = await readTelegramWebhook(botOf(context, record), AbortSignal.timeout(PATIENCE_MS));
  if (isPolled && found.url === '') return undefined;
  if (found.url !== url) return `its webhook is ${found.url === '' ? 'not set' : found.url}; add the channel again`;
  if (found.lastError !== undefined) return `Telegram could not deliver: ${found.lastError} (${found.pending} wait)`;
  return undefined;
}

/** A webhook of somebody else stays as it is. */
async function handBack(context: CommandContext, { kind, url, ...record }: ChannelRecord): Promise<void> {
  if (kind !== 'telegram' || url === undefined) return;
  const bot = botOf(context, record);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  if ((await readTelegramWebhook(bot, signal)).url === url) await removeTelegramWebhook(bot, signal);
}

function botOf(
  context: CommandContext,
  { tokenEnv, serviceUrl }: Pick<ChannelRecord, 'tokenEnv' | 'serviceUrl'>,
): { readonly token: string; readonly apiUrl?: string } {
  return { token: secretOf(context, tokenEnv), ...(serviceUrl !== undefined && { apiUrl: serviceUrl }) };
}

function channelOf(context: CommandContext, { kind, tokenEnv, serviceUrl }: ChannelRecord): Channel {
  const token = secretOf(context, tokenEnv);
  return openChannel(kind, { token, ...(serviceUrl !== undefined && { url: serviceUrl }) });
}

function secretOf({ io }: CommandContext, variable: string): string {
  const secret = io.env[variable];
  if (secret !== undefined && secret !== '') return secret;
  throw new WakebusError('INVALID_OPTION', { option: `$${variable}`, why: 'the variable is not set' });
}

type Row = Omit<ChannelRecord, 'v'>;

function asTable(rows: readonly Row[]): string {
  const cells = rows.map(({ name, kind, tokenEnv, map, url }) => [
    name,
    kind,
    `$${tokenEnv}`,
    map === undefined ? '' : `${map.agent} ${map.event}`,
    url ?? '',
  ]);
  return table(['NAME', 'KIND', 'TOKEN', 'RINGS', 'URL'], cells);
}
