/**
 * The program of a thread that takes turns: imports the agent's module once, then takes one turn after the
 * other. It never waits for anything; whoever started it stops it when a turn does not end.
 */
import { type AnyAgentDefinition, runJob } from '@wakebus/core';
import { Layout } from '@wakebus/protocol';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { OPENING, type ThreadData, type ThreadOrder, type ThreadReport } from './thread-messages.ts';

/** Turns whose custom actions are kept until their commit is known. Sessions commit at once; what was lost is forgotten in time. */
const KEPT_ACTIONS = 1_024;

const data = workerData as ThreadData;
const port = parentPort as MessagePort;
const progress = new BigInt64Array(data.progress);
const layout = new Layout(data.layout);
const actions = new Map<number, ReadonlyArray<() => void>>();

function report(message: ThreadReport, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** The definition that the module exports, or why it is not the one that is wanted. */
async function load(): Promise<AnyAgentDefinition | string> {
  const found: unknown = ((await import(data.module)) as Record<string, unknown>)[data.export];
  if (typeof found !== 'object' || found === null || !('machine' in found) || !('type' in found))
    return `its export "${data.export}" is not made by defineAgent`;
  const { type, version } = found as AnyAgentDefinition;
  if (type !== data.type || version !== data.version)
    return `its export "${data.export}" is "${type}" in version ${version}, not "${data.type}" in version ${data.version}`;
  return { ...(found as AnyAgentDefinition), retry: data.retry };
}

function take(definition: AnyAgentDefinition, id: number, job: Uint8Array): void {
  Atomics.store(progress, 0, OPENING);
  const outcome = runJob(
    {
      definition,
      layout,
      monotonicMs: () => performance.now(),
      onBegin: ({ seq }) => void Atomics.store(progress, 0, BigInt(seq)),
    },
    job,
  );
  if (outcome.actions.length > 0) keep(id, outcome.actions);
  report({ kind: 'taken', result: outcome.result }, [outcome.result.buffer as ArrayBuffer]);
}

function keep(id: number, list: ReadonlyArray<() => void>): void {
  actions.set(id, list);
  if (actions.size <= KEPT_ACTIONS) return;
  const [oldest] = actions.keys();
  if (oldest !== undefined) actions.delete(oldest);
}

function act(id: number): void {
  Atomics.store(progress, 0, OPENING);
  const errors: string[] = [];
  for (const action of actions.get(id) ?? []) {
    try {
      action();
    } catch (thrown) {
      errors.push(String(thrown));
    }
  }
  actions.delete(id);
  report({ kind: 'acted', errors });
}

const definition = await load();
if (typeof definition === 'string') {
  report({ kind: 'refused', why: definition });
} else {
  port.on('message', (order: ThreadOrder) => {
    if (order.kind === 'turn') take(definition, order.id, order.job);
    else act(order.id);
  });
  report({ kind: 'ready' });
}
