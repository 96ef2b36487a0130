/** `wakebus incidents`: what operators must hear of, to look at, to follow, and to send on to whoever wakes them. */
import { type Command, Option } from 'commander';
import type { PastIncident } from '@wakebus/client';
import { type IncidentKind, incidentKinds } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { type CommandContext, connected, contextOf, examples } from '../command-context.ts';
import { oneLine, readCount, since, table } from '../human.ts';
import { type Listing, showPages } from '../listing.ts';
import { credentials } from '../session.ts';

interface ChoiceFlags {
  readonly kind?: IncidentKind;
}

interface ListFlags extends ChoiceFlags {
  readonly limit: string;
  readonly cursor?: string;
}

interface ForwardFlags {
  readonly to: string;
  readonly secretEnv: readonly string[];
  readonly name: string;
  readonly kind: readonly IncidentKind[];
  readonly fromBeginning?: boolean;
  readonly messages?: boolean;
}

export function addIncidents(program: Command, io: CliIo): void {
  const incidents = program
    .command('incidents')
    .description(
      'what nobody goes on with by itself: agents that failed or were stopped, dead letters, unsure effects',
    );
  addList(incidents, io);
  addFollow(incidents, io);
  addForward(incidents, io);
}

function addList(incidents: Command, io: CliIo): void {
  const command = incidents
    .command('list [agents]')
    .description('list incidents, oldest first: of an agent, of "<type>/*", or of all')
    .addOption(new Option('-k, --kind <kind>', 'only those of this kind').choices(incidentKinds))
    .option('-n, --limit <count>', 'at most so many', '100')
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .action(async (agents: string | undefined, flags: ListFlags, self: Command) => {
      const context = contextOf(self, io);
      const limit = readCount('--limit', flags.limit);
      const choice = choiceOf(agents, flags);
      await connected(context, ({ client }) =>
        showPages(context.output, incidentListing, { limit, cursor: flags.cursor }, async (page) => {
          const { incidents: rows, cursor } = await client.incidents.list({ ...choice, ...page });
          return { rows: rows.map(rowOf), cursor };
        }),
      );
    });
  examples(command, ['wakebus incidents list', "wakebus incidents list 'order/*' --kind failed --json"]);
}

function addFollow(incidents: Command, io: CliIo): void {
  const command = incidents
    .command('tail [agents]')
    .description('print incidents as they are told: of an agent, of "<type>/*", or of all')
    .addOption(new Option('-k, --kind <kind>', 'only those of this kind').choices(incidentKinds))
    .action(async (agents: string | undefined, flags: ChoiceFlags, self: Command) => {
      const context = contextOf(self, io);
      const stopped = new AbortController();
      const end = io.onStop(() => stopped.abort());
      await connected(context, async ({ client }) => {
        const choice = { ...choiceOf(agents, flags), signal: stopped.signal };
        for await (const incident of client.incidents.follow(choice)) {
          const row = rowOf(incident);
          context.output.data('incident', row, () => asLine(row));
        }
      }).finally(end);
    });
  examples(command, ['wakebus incidents tail', 'wakebus incidents tail --kind dead-lettered --json']);
}

function addForward(incidents: Command, io: CliIo): void {
  const command = incidents
    .command('forward')
    .description(
      'send each incident to a webhook (Standard Webhooks), at least once, until Ctrl-C; any number side by side',
    )
    .requiredOption('--to <url>', 'where to: gets each incident by POST')
    .option('--secret-env <name>', 'variable with the secret (whsec_…, base64); two during a rotation', withMore, [])
    .option('--name <name>', 'forwarders of one name share the incidents; each name gets all of them', 'default')
    .addOption(new Option('-k, --kind <kinds...>', 'only those of these kinds').choices(incidentKinds).default([]))
    .option('--from-beginning', 'a name that is new begins with what is kept, and not with what comes')
    .option('--messages', "send errors' messages too; they may quote what agents were given")
    .action((flags: ForwardFlags, self: Command) => forward(contextOf(self, io), flags));
  examples(command, ['wakebus incidents forward --to https://hooks.example/wakebus --secret-env INCIDENT_SECRET']);
}

/** A flag that may be given more than once. */
function withMore(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

interface Choice {
  readonly agents?: string;
  readonly kind?: IncidentKind;
}

function choiceOf(agents: string | undefined, { kind }: ChoiceFlags): Choice {
  return { ...(agents !== undefined && { agents }), ...(kind !== undefined && { kind }) };
}

/** Beside the kind of a line, its own kind is `what` happened. */
type Row = Omit<PastIncident, 'v' | 'kind'> & { readonly what: IncidentKind };

const incidentListing: Listing<Row> = { kind: 'incident', thing: 'incident', table: asTable };

function rowOf({ v: _format, kind: what, ...incident }: PastIncident): Row {
  return { what, ...incident };
}

function asLine({ agent, atMs, code, facts, message, what }: Row): string {
  return [new Date(atMs).toISOString(), what, oneLine(agent), code, factsText(facts), oneLine(message)].join('  ');
}

function factsText(facts: Row['facts']): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${oneLine(String(value))}`)
    .join(' ');
}

function asTable(rows: readonly Row[], nowMs: number): string {
  const cells = rows.map(({ atMs, what, agent, code, facts }) => [
    since(atMs, nowMs),
    what,
    oneLine(agent),
    code,
    factsText(facts),
  ]);
  return table(['WHEN', 'WHAT', 'AGENT', 'CODE', 'FACTS'], cells);
}

/** Runs until it is asked to stop; then it ends what is under way. */
async function forward(
  { io, output, settings }: CommandContext,
  { to, secretEnv, name, kind: kinds, fromBeginning, messages = false }: ForwardFlags,
): Promise<void> {
  const [{ forwardIncidents }, { connectNats }] = await Promise.all([
    import('@wakebus/gateway'),
    import('@wakebus/placement-node'),
  ]);
  const servers = settings.servers.split(',').map((url) => url.trim());
  // Not a command's usual connection, which gives up after a while.
  const connection = await connectNats({ servers, name: 'wakebus incidents', ...credentials(settings, io.env) });
  try {
    const forwarder = await forwardIncidents({
      connection,
      ...(settings.prefix !== undefined && { prefix: settings.prefix }),
      to,
      secrets: secretEnv.flatMap((variable) => io.env[variable] || []),
      name,
      kinds,
      from: fromBeginning === true ? 'beginning' : 'now',
      messages,
      log: { warn: (text, facts) => output.message(`${text}: ${JSON.stringify(facts)}`) },
    });
    output.data('forwarder', { name, to }, () => `forwarding incidents as ${name} to ${to}`);
    await new Promise<void>((stop) => void io.onStop(stop));
    await forwarder.close();
  } finally {
    await connection.close();
  }
}
