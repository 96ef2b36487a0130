/** A project folder with one agent file, at a place from which its imports are found. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DevFolder extends Disposable {
  readonly path: string;
  readonly file: string;
  write(text: string): void;
}

/** An agent that greets, in words that tests can change. */
export function greeter(word: string): string {
  return `
import { defineAgent, reply, sleepNow } from '@wakebus/core';
import { assign, setup } from 'xstate';
const machine = setup({ types: { context: {} as { greeted: number }, events: {} as { type: 'greet'; name?: string } } }).createMachine({
  context: { greeted: 0 },
  on: {
    greet: {
      actions: [
        assign({ greeted: ({ context }) => context.greeted + 1 }),
        reply(({ context, event }) => ({ text: '${word}, ' + (event.name ?? 'you'), greeted: context.greeted })),
        sleepNow(),
      ],
    },
  },
});
export const hello = defineAgent({ type: 'hello', machine });
`;
}

export function devFolder(text: string = greeter('Hello')): DevFolder {
  // Git ignores it, and imports from it find this package's dependencies.
  const parent = join(import.meta.dirname, '..', 'dist');
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, 'dev-test-'));
  const file = join(path, 'agent.ts');
  const write = (content: string): void => writeFileSync(file, content);
  write(text);
  return { path, file, write, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
