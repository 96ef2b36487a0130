/** `wakebus effects disable` and `enable`: what fails, or must not happen now, is kept from starting; the agents go on. */
import type { Command } from 'commander';
import { type EffectScope, WakebusError } from '@wakebus/protocol';
import type { CliIo } from '../cli-io.ts';
import { connected, contextOf, examples } from '../command-context.ts';
import { reasonOf } from '../confirmation.ts';

interface SwitchFlags {
  readonly type?: string;
  readonly reason?: string;
}

export function addDisable(effects: Command, io: CliIo): void {
  const command = effects
    .command('disable [target]')
    .description('let no effects on a target start, or none of an agent type; what is due waits')
    .option('-t, --type <type>', 'all effects of agents of this type')
    .option('--reason <text>', 'why, for the audit and whoever looks later')
    .action(async (target: string | undefined, flags: SwitchFlags, self: Command) => {
      const scope = scopeOf(target, flags);
      const context = contextOf(self, io);
      await connected(context, async (session) => {
        const { disableEffects } = await import('@wakebus/placement-node');
        const { portsOf } = await import('../census.ts');
        const disable = (): Promise<void> =>
          disableEffects(portsOf(session), scope, flags.reason ?? 'by an operator', Date.now());
        await session.client.audited('disable', scope, disable, reasonOf(flags));
      });
      context.output.message(`${nameOf(scope)}: disabled. What runs already goes on`);
    });
  examples(command, [
    'wakebus effects disable https://bank.example --reason "double charges, INC-7"',
    'wakebus effects disable order/charge',
    'wakebus effects disable --type order',
  ]);
}

export function addEnable(effects: Command, io: CliIo): void {
  const command = effects
    .command('enable [target]')
    .description('let effects start again that were disabled; what waits for it goes on at once')
    .option('-t, --type <type>', 'all effects of agents of this type')
    .option('--reason <text>', 'why, for the audit')
    .action(async (target: string | undefined, flags: SwitchFlags, self: Command) => {
      const scope = scopeOf(target, flags);
      const context = contextOf(self, io);
      const was = await connected(context, async (session) => {
        const { enableEffects } = await import('@wakebus/placement-node');
        const { portsOf } = await import('../census.ts');
        return session.client.audited('enable', scope, () => enableEffects(portsOf(session), scope), reasonOf(flags));
      });
      context.output.message(`${nameOf(scope)}: ${was ? 'enabled' : 'was not disabled'}`);
    });
  examples(command, ['wakebus effects enable https://bank.example', 'wakebus effects enable --type order']);
}

/** What is switched, in words. */
export function nameOf(scope: EffectScope): string {
  return scope.type === undefined ? `effects on "${scope.target}"` : `effects of agents of type "${scope.type}"`;
}

/** How it is enabled again. */
export function enabling(scope: EffectScope): string {
  return scope.type === undefined
    ? `wakebus effects enable ${scope.target}`
    : `wakebus effects enable --type ${scope.type}`;
}

function scopeOf(target: string | undefined, { type }: SwitchFlags): EffectScope {
  if (target !== undefined && type === undefined) return { target };
  if (type !== undefined && target === undefined) return { type };
  throw new WakebusError('INVALID_OPTION', { option: 'target', why: 'name a target, or a type with --type' });
}
