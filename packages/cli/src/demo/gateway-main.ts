/**
 * The gateway of the demo, as a process of its own. It holds nothing: it may be killed at any time.
 */
import { serveGateway } from '@wakebus/gateway';
import { connectNats } from '@wakebus/placement-node';
import { startProcessTelemetry } from '../process-telemetry.ts';
import { type FromGateway, type GatewaySetting, SECRET_VARIABLE } from './gateway-messages.ts';
import { demoWebhooks } from './webhook.ts';

const { servers, port } = JSON.parse(process.argv[2] ?? '') as GatewaySetting;

// Whoever started this process is gone: there is nobody to work for.
process.on('disconnect', () => process.exit(1));
await startProcessTelemetry('wakebus-demo-gateway');
const connection = await connectNats({ servers, name: 'wakebus-demo-gateway' });
const webhooks = demoWebhooks(process.env[SECRET_VARIABLE] ?? '');
const gateway = await serveGateway({ connection, port, webhooks });
const ready: FromGateway = { kind: 'ready', url: gateway.url };
process.send?.(ready);
