/**
 * One trace for a chain of agents: client → order → account, sent to an OTLP endpoint such as Jaeger's.
 *
 * The SDK is the application's business and is started first. Wakebus itself uses only the OpenTelemetry
 * API; the context travels in message headers and in the records, so it survives a sleep.
 */
import { NodeSDK } from '@opentelemetry/sdk-node';
import { createClient } from '@wakebus/client';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { account, order } from './agents.ts';

// The endpoint and its protocol come from OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL.
const sdk = new NodeSDK({ serviceName: 'wakebus-tracing-example', resourceDetectors: [] });
sdk.start();

const connection = await connectNats({ servers: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222' });
const node = await startPlacementNode({ connection, agents: [order, account] });
const client = await createClient(connection);

const charged = new Promise<void>((resolve) => {
  client.observe('account/ada', (event) => {
    if (event.kind === 'lifecycle' && event.name === 'awake') resolve();
  });
});
await client.agent(order, '17').send({ type: 'place', customer: 'ada', total: 12 });
await charged;

await node.drain();
console.log('account/ada', (await client.inspect('account/ada'))?.context);
await connection.close();
// It rejects when nobody listens at the endpoint; that must not change how the program ends.
await sdk.shutdown().catch((error: unknown) => console.error('the spans could not be sent:', String(error)));
