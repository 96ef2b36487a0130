/**
 * The architecture as one readable object: what the sources of each package may import.
 *
 * `architecture.test.ts` holds every package to it. A package that is not in the table may not exist.
 */

/** What one package may reach. */
export interface PackageRule {
  /** Other Wakebus packages. */
  readonly packages: readonly string[];
  /** Packages of others; their subpaths are included. */
  readonly external: readonly string[];
  /** Whether it may import `node:*` and use Node.js's globals. Browsers run what may not. */
  readonly node: boolean;
  /** Folders of `src` that run in a browser all the same: bundled, and asking nobody but their server. */
  readonly browserFolders?: readonly string[];
  /** Pure: no `async`, no clock, no timer, no randomness. They come through ports. */
  readonly pure: boolean;
}

const nats = ['@nats-io/jetstream', '@nats-io/transport-node', '@nats-io/nats-core'];
const telemetry = ['@opentelemetry/api'];

/** The table of allowed imports. */
export const architecture: Readonly<Record<string, PackageRule>> = {
  protocol: { packages: [], external: ['msgpackr'], node: false, pure: false },
  core: { packages: ['protocol'], external: ['croner', 'xstate'], node: false, pure: true },
  channels: { packages: ['protocol'], external: [], node: false, pure: false },
  client: { packages: ['protocol'], external: [...nats, ...telemetry], node: true, pure: false },
  telemetry: { packages: [], external: [...telemetry, '@opentelemetry/sdk-node', 'pino'], node: true, pure: false },
  gateway: {
    packages: ['channels', 'client', 'protocol'],
    external: [...nats, '@hono/node-server', 'hono', 'ws'],
    node: true,
    pure: false,
  },
  // Of other packages only types: it knows them by the gateway's API.
  console: {
    packages: ['client', 'core', 'protocol'],
    external: ['@dagrejs/dagre', '@preact/signals', 'preact', 'vite'],
    node: true,
    browserFolders: ['app'],
    pure: false,
  },
  sources: {
    packages: ['client', 'protocol'],
    external: [...nats, ...telemetry, '@nats-io/kv', 'chokidar'],
    node: true,
    pure: false,
  },
  'nats-server': { packages: [], external: [], node: true, pure: false },
  'placement-node': {
    packages: ['core', 'protocol'],
    external: [...nats, ...telemetry, 'xstate'],
    node: true,
    pure: false,
  },
  testing: {
    packages: ['client', 'core', 'nats-server', 'placement-node', 'protocol'],
    external: [...nats, ...telemetry, 'fast-check', 'vitest', 'xstate'],
    node: true,
    pure: false,
  },
  workspace: {
    packages: ['core', 'placement-node', 'protocol'],
    external: ['@aws-sdk/client-s3'],
    node: true,
    pure: false,
  },
  runners: {
    packages: ['core', 'protocol'],
    external: [],
    node: true,
    pure: false,
  },
  cli: {
    packages: [
      'channels',
      'client',
      'console',
      'core',
      'gateway',
      'nats-server',
      'placement-node',
      'protocol',
      'sources',
      'telemetry',
    ],
    external: [
      ...nats,
      ...telemetry,
      '@octokit/webhooks-examples',
      '@octokit/webhooks-methods',
      'commander',
      'nats',
      'xstate',
    ],
    node: true,
    pure: false,
  },
};

/** Names that only Node.js knows. */
export const nodeGlobals: readonly string[] = [
  'Buffer',
  'process',
  'global',
  'setImmediate',
  '__dirname',
  '__filename',
];

/** Names, bare or as `object.property`, through which time and randomness come in unasked. */
export const impureNames: readonly string[] = [
  'Date.now',
  'new Date()',
  'Math.random',
  'performance',
  'crypto',
  'fetch',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
];

/** The longest source file, in lines. */
export const mostLines = 400;
