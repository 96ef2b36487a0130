/**
 * A placement node to look at: orders that wait, are charged for, and are booked. Started twice by
 * `compose.yaml`, and as a process by the tests of this folder.
 */
import { type EffectArgs, defineAgent, effect, sendToAgent, sleepNow } from '@wakebus/core';
import { connectNats, createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { createLog, startTelemetry, switchLevelOnSignal } from '@wakebus/telemetry';
import { assign, setup } from 'xstate';

const charge = effect({
  run: ({ idempotencyKey }: EffectArgs<unknown>) => Promise.resolve({ receipt: idempotencyKey }),
  dedupe: 'key',
  keyHorizonMs: 86_400_000,
});

const orderMachine = setup({ types: { events: {} as { type: 'place' } }, actors: { charge } }).createMachine({
  initial: 'open',
  states: {
    open: { on: { place: 'waiting' } },
    waiting: { entry: sleepNow(), after: { 1_000: 'charging' } },
    charging: { invoke: { id: 'charge', src: 'charge', onDone: 'charged' } },
    charged: { entry: [sendToAgent('ledger/main', { type: 'booked' }), sleepNow()], on: { place: 'waiting' } },
  },
});

const ledgerMachine = setup({
  types: { context: {} as { booked: number }, events: {} as { type: 'booked' } },
}).createMachine({
  context: { booked: 0 },
  on: { booked: { actions: assign({ booked: ({ context }) => context.booked + 1 }) } },
});

const log = createLog();
switchLevelOnSignal(log);
const telemetry = await startTelemetry({ onFault: (message) => log.warn(message) });
const connection = await connectNats({ servers: (process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222').split(',') });
await createDeployment(connection, { replicas: Number(process.env['WAKEBUS_REPLICAS'] ?? 1) });
const node = await startPlacementNode({
  connection,
  name: process.env['WAKEBUS_NODE'] ?? 'node',
  agents: [
    defineAgent({ type: 'order', machine: orderMachine }),
    defineAgent({ type: 'ledger', machine: ledgerMachine }),
  ],
  log,
});
log.info('serving', { node: node.nodeId });

process.once('SIGTERM', () => void leave());

async function leave(): Promise<void> {
  await node.drain();
  await connection.close();
  await telemetry.stop();
}
