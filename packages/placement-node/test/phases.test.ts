/** What takes too long is left and tried again: on a real deployment, with a port that does not answer for a while. */
import { expect, test } from 'vitest';
import { type AppendOutcome, PlacementRuntime, type Ports, natsPorts } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';
import { type LogLine, type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer('all');
/** Short, since tests wait for it; far above what an answer takes. */
const SHORT_MS = 700;

/** A node over ports of which some may be made to hang. */
class HangingNode {
  readonly logs: LogLine[] = [];
  runtime: PlacementRuntime | undefined;
  isHanging = false;
  #waiting: Array<() => void> = [];

  static async start(
    bus: TestDeployment,
    change: (ports: Ports, node: HangingNode) => Partial<Ports>,
    limits: object,
  ): Promise<HangingNode> {
    const node = new HangingNode();
    const ports = natsPorts(await bus.connect(), bus.layout);
    const write =
      (level: LogLine['level']) =>
      (message: string, facts: LogLine['facts'] = {}): void =>
        void node.logs.push({ level, message, facts });
    node.runtime = await PlacementRuntime.start(
      { ...ports, ...change(ports, node) },
      { agents: [listAgent({ sleep: { afterMs: 0 } })], limits, log: { info: write('info'), warn: write('warn') } },
    );
    return node;
  }

  hang(): void {
    this.isHanging = true;
  }

  answer(): void {
    this.isHanging = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  codes(): readonly unknown[] {
    return this.logs.map(({ facts }) => facts['code']).filter((code) => code !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.answer();
    await this.runtime?.drain();
  }

  /** Resolves when it does not hang. */
  pass(): Promise<void> {
    return this.isHanging ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }
}

/** A port with some of its methods replaced. */
function instead<T extends object>(port: T, own: Partial<T>): T {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in own ? own : target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Records that cannot be read while it hangs. */
function readsHang({ agents }: Ports, node: HangingNode): Partial<Ports> {
  return {
    agents: instead(agents, {
      get: (key: string) => node.pass().then(() => agents.get(key)),
      getFresh: (key: string) => node.pass().then(() => agents.getFresh(key)),
    }),
  };
}

/** Messages to other agents that get no answer while it hangs. */
function relaysFail({ inboxes }: Ports, node: HangingNode): Partial<Ports> {
  return {
    inboxes: inboxes.map((inbox) =>
      instead(inbox, {
        append: (...args: Parameters<typeof inbox.append>): Promise<AppendOutcome> =>
          node.isHanging ? Promise.resolve({ kind: 'unknown', cause: 'silence' }) : inbox.append(...args),
      }),
    ),
  };
}

test.concurrent.each([
  ['hydrate', { hydrateMs: SHORT_MS }],
  ['wake', { wakeMs: SHORT_MS }],
])('an agent whose phase "%s" does not end is left, and woken again', async (phase, limits) => {
  const bus = await deploy();
  await using node = await HangingNode.start(bus, readsHang, limits);
  node.hang();
  await bus.list('ada').send({ type: 'add', item: 1 });
  await eventually(() => expect(node.logs.map(({ message }) => message).join()).toContain(`phase "${phase}"`));
  expect(node.codes()).toContain('PHASE_TIMEOUT');
  node.answer();

  await eventually(async () => expect(await bus.items('ada')).toEqual([1]));
  await bus.drained();
  expect((await bus.record('ada')).turns).toBe(1);
});

test.concurrent('a message that cannot be handed over is reported in time, and handed over once', async () => {
  const bus = await deploy();
  await using node = await HangingNode.start(bus, relaysFail, { relayMs: 50 });
  node.hang();
  await bus.list('ada').send({ type: 'pass', item: 7, path: ['list/bob'] } as never);
  await eventually(() => expect(node.codes()).toEqual(['RELAY_STALLED']));
  node.answer();
  await eventually(async () => expect(await bus.items('bob')).toEqual([7]));
  await bus.drained();
});

test.concurrent('an agent that cannot hand over what it owes sleeps all the same, and owes it in its record', async () => {
  const bus = await deploy();
  await using node = await HangingNode.start(bus, relaysFail, { dehydrateMs: SHORT_MS });
  node.hang();
  await bus.list('ada').send({ type: 'pass', item: 7, path: ['list/bob'] } as never);
  await eventually(() => expect(node.logs.map(({ message }) => message).join()).toContain('phase "dehydrate"'));
  await eventually(async () => {
    const { lease, outbox, settled } = await bus.record('ada');
    expect([lease.holder, outbox.length, settled]).toEqual(['', 1, false]);
  });
  node.answer();

  await eventually(async () => expect(await bus.items('bob')).toEqual([7]));
  await bus.drained();
  expect(await bus.items('ada')).toEqual([7]);
});
