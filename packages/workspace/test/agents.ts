/** An agent that keeps a journal in a file and a count in its state, for tests with real placement nodes. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnyAgentDefinition, type FileEffectArgs, defineAgent, effect, reply } from '@wakebus/core';
import { assign, setup } from 'xstate';

interface Line {
  readonly text: string;
}

/** What an effect finds in the file of its agent. */
async function linesIn(workspace: string): Promise<string[]> {
  const text = await readFile(join(workspace, 'journal'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** `write` adds a line; one of "fail" fails after it has written; `look` says what is there, and what is remembered. */
export function clerk(): AnyAgentDefinition {
  const machine = setup({
    types: {
      context: {} as { written: readonly string[]; seen: readonly string[]; failed: number },
      events: {} as ({ type: 'write' } & Line) | { type: 'look' } | { type: 'tell' },
    },
    actors: {
      write: effect({
        workspace: 'write',
        run: async ({ input, workspace }: FileEffectArgs<Line>) => {
          await appendFile(join(workspace, 'journal'), `${input.text}\n`);
          await writeFile(join(workspace, 'last'), input.text);
          if (input.text === 'fail') throw new Error('it fails after it has written');
          return input.text;
        },
      }),
      look: effect({ workspace: 'read', run: ({ workspace }) => linesIn(workspace) }),
    },
  }).createMachine({
    context: { written: [], seen: [], failed: 0 },
    initial: 'idle',
    on: { tell: { actions: reply(({ context }) => context) } },
    states: {
      idle: { on: { write: 'writing', look: 'looking' } },
      writing: {
        invoke: {
          id: 'write',
          src: 'write',
          input: ({ event }) => event as Line,
          onDone: {
            target: 'idle',
            actions: assign({ written: ({ context, event }) => [...context.written, event.output] }),
          },
          onError: { target: 'idle', actions: assign({ failed: ({ context }) => context.failed + 1 }) },
        },
      },
      looking: {
        invoke: {
          id: 'look',
          src: 'look',
          onDone: { target: 'idle', actions: assign({ seen: ({ event }) => event.output }) },
        },
      },
    },
  });
  return defineAgent({ type: 'clerk', machine, workspace: {}, sleep: { afterMs: 10 } });
}
