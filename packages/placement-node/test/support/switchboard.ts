/** A server that counts who is connected to it, and agents whose effects speak over one connection. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { type AnyAgentDefinition, type EffectArgs, type ResourceFactory, defineAgent, effect } from '@wakebus/core';
import { type AnyStateMachine, assign, setup, spawnChild } from 'xstate';

/** Echoes what it is sent, line by line; `wait` is echoed by {@link Switchboard.release}. */
export class Switchboard implements AsyncDisposable {
  readonly lines: string[] = [];
  /** Connections ever made. */
  calls = 0;
  readonly #open = new Set<Socket>();
  readonly #waiting: Array<() => void> = [];
  readonly #server = createServer((socket) => {
    this.calls += 1;
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data) => this.#take(socket, String(data).trim()));
  });

  static async open(): Promise<Switchboard> {
    const board = new Switchboard();
    await once(board.#server.listen(0, '127.0.0.1'), 'listening');
    return board;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get connected(): number {
    return this.#open.size;
  }

  release(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await once(this.#server.close(), 'close');
  }

  #take(socket: Socket, said: string): void {
    this.lines.push(said);
    const answer = (): void => void socket.write(`${said}\n`);
    if (said === 'wait') this.#waiting.push(answer);
    else answer();
  }
}

interface Call {
  readonly id: string;
  readonly port: number;
  readonly say: string;
}

function line(port: number): ResourceFactory<Socket> {
  return {
    kind: 'connection',
    open: async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
    close: (socket) => new Promise((resolve) => socket.end(() => resolve(undefined))),
  };
}

/** Says something over the agent's line. What is said to it comes back in order, so that one speaks at a time. */
async function speak({ input, resources, signal }: EffectArgs<Call>): Promise<string> {
  const socket = await resources.open('line', line(input.port));
  socket.write(`${input.say}\n`);
  const [heard] = (await once(socket, 'data', { signal })) as [Buffer];
  return heard.toString().trim();
}

/** Opens what never closes, in time at least. */
async function leave({ resources }: EffectArgs<Call>): Promise<string> {
  await resources.open('file', { kind: 'handle', open: () => 7, close: () => new Promise(() => {}) });
  return 'left';
}

const refused = { times: 0 };

/** Opens what cannot be opened at first. */
async function insist({ resources }: EffectArgs<Call>): Promise<string> {
  const open = (): string => {
    refused.times += 1;
    if (refused.times === 1) throw new Error('no such file');
    return 'opened';
  };
  const factory = { kind: 'handle', open, close: () => {} } as const;
  await resources.open('stubborn', factory).catch(() => {});
  return resources.open('stubborn', factory);
}

/** What an effect tried after its end. */
export const late: unknown[] = [];

/** Goes on after its time has run out. */
async function overstay({ input, resources, signal }: EffectArgs<Call>): Promise<string> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  setImmediate(() => {
    resources.open('late', line(input.port)).catch((error: unknown) => late.push(error));
    resources.close('line');
  });
  return 'too late';
}

const actors = {
  speak: effect({ run: speak }),
  leave: effect({ run: leave }),
  insist: effect({ run: insist }),
  overstay: effect({ run: overstay, timeoutMs: 50 }),
};

/** What an agent may be asked to do. */
export type Asked = keyof typeof actors;

const machine = setup({
  types: {
    context: {} as { heard: readonly string[] },
    events: {} as { type: Asked | 'fail' } & Call,
  },
  actors,
}).createMachine({
  id: 'caller',
  context: { heard: [] },
  on: {
    ...Object.fromEntries(
      (Object.keys(actors) as readonly Asked[]).map((asked) => [
        asked,
        {
          actions: spawnChild(
            asked as never,
            {
              id: ({ event }: { event: Call }) => event.id,
              input: ({ event }: { event: Call }) => event,
            } as never,
          ),
        },
      ]),
    ),
    fail: {
      actions: assign(() => {
        throw new Error('it cannot');
      }),
    },
    'xstate.done.actor.*': {
      actions: assign(({ context, event }) => hear(context, (event as { output?: unknown }).output)),
    },
    'xstate.error.actor.*': {
      actions: assign(({ context, event }) => hear(context, (event as { error?: { code?: string } }).error?.code)),
    },
  },
} as never) as unknown as AnyStateMachine;

function hear(context: unknown, word: unknown): { readonly heard: readonly string[] } {
  return { heard: [...(context as { heard: readonly string[] }).heard, String(word)] };
}

/** An agent type that speaks over a line of its own. */
export function callerAgent(options: object = {}): AnyAgentDefinition {
  return defineAgent({ type: 'caller', machine, ...options } as never);
}
