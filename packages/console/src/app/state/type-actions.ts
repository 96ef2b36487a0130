/** What an operator may do to a whole agent type. */
import { act } from '../api/gateway.ts';
import type { Action } from './asking.ts';
import { commandLine } from './words.ts';

export function typeAction(verb: 'disable' | 'enable', type: string): Action {
  return {
    title: verb === 'disable' ? `Disable the type ${type}` : `Enable the type ${type}`,
    text:
      verb === 'disable'
        ? 'None of its agents runs anywhere until it is enabled. Nothing is lost: what comes for them waits in the inbox.'
        : 'Its agents run again, and take what has waited.',
    targets: [type],
    ...(verb === 'disable' && { typed: type }),
    button: verb === 'disable' ? 'Disable' : 'Enable',
    command: ({ reason = '' }) => commandLine('agents', verb, type, ...(reason === '' ? [] : ['--reason', reason])),
    run: (target, { reason = '' }) =>
      act('POST', `types/${encodeURIComponent(target)}/${verb}`, reason === '' ? {} : { reason }),
  };
}
