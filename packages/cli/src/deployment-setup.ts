/** What `wakebus setup` does: creates a deployment, checks it, or prints what it consists of. */
import { type DeploymentOptions, checkDeployment, createDeployment, wantedStreams } from '@wakebus/placement-node';
import { Layout, toJson } from '@wakebus/protocol';
import { type CommandContext, connected } from './command-context.ts';
import { Exit, exitCode } from './exit-codes.ts';
import { readCount } from './human.ts';
import { openConnection } from './session.ts';

/** Flags of the command. */
export interface SetupFlags {
  readonly check?: boolean;
  readonly print?: boolean;
  readonly production?: boolean;
  readonly monitor?: string;
  readonly partitions?: string;
  readonly shards?: string;
  readonly replicas?: string;
}

/** Does what the flags ask for. @throws {WakebusError} `INVALID_OPTION`, `NOT_CONNECTED`, `STREAM_MISSING`. */
export function setUp(context: CommandContext, flags: SetupFlags): Promise<void> {
  if (flags.print === true) return print(context, flags);
  return flags.check === true ? check(context, flags) : create(context, flags);
}

async function create(context: CommandContext, flags: SetupFlags): Promise<void> {
  const { settings, io, output } = context;
  const connection = await openConnection(settings, io);
  try {
    const layout = await createDeployment(connection, optionsOf(context, flags));
    const { prefix, partitions, shards } = layout;
    output.data(
      'deployment',
      { prefix, partitions, shards },
      () => `${prefix}: ${partitions} partitions, ${shards} ${shards === 1 ? 'shard' : 'shards'}`,
    );
    const problems = await checkDeployment(connection, layout);
    for (const problem of problems) output.error(problem);
    if (problems.length > 0) throw new Exit(exitCode.failed);
  } finally {
    await connection.close();
  }
}

async function check(context: CommandContext, { production, monitor }: SetupFlags): Promise<void> {
  const monitorUrls = monitor?.split(',').map((url) => url.trim());
  const options = { production: production === true, ...(monitorUrls !== undefined && { monitorUrls }) };
  const problems = await connected(context, ({ connection, client }) =>
    checkDeployment(connection, client.layout, options),
  );
  for (const problem of problems) context.output.error(problem);
  if (problems.length > 0) throw new Exit(exitCode.failed);
}

function print(context: CommandContext, flags: SetupFlags): Promise<void> {
  const { output } = context;
  const options = optionsOf(context, flags);
  const layout = new Layout(options);
  const streams = wantedStreams(layout, options);
  const mappings = mappingsOf(layout);
  if (output.json) {
    for (const stream of streams) output.data('stream', { config: stream }, () => '');
    for (const [src, dest] of Object.entries(mappings)) output.data('mapping', { src, dest }, () => '');
  } else {
    output.data('setup', {}, () => toJson({ streams, ...(layout.shards > 1 && { mappings }) }, 2));
  }
  return Promise.resolve();
}

/**
 * What an operator may put into the account, in the server's own syntax: the server then writes what is
 * published under `agents.…` straight into its shard, and the front door stays empty.
 */
function mappingsOf({ inboxTransform: { src, dest }, shards }: Layout): Readonly<Record<string, string>> {
  return shards > 1 ? { [src]: dest } : {};
}

function optionsOf({ settings }: CommandContext, flags: SetupFlags): DeploymentOptions {
  const { prefix } = settings;
  const partitions = readCount('--partitions', flags.partitions);
  const shards = readCount('--shards', flags.shards);
  const replicas = readCount('--replicas', flags.replicas);
  return {
    ...(prefix !== undefined && { prefix }),
    ...(partitions !== undefined && { partitions }),
    ...(shards !== undefined && { shards }),
    ...(replicas !== undefined && { replicas }),
  };
}
