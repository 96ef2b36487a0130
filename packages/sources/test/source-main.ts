/** Sources in a process of its own, to be killed: `source-main.ts <servers> <name> <folder>`. */
import { connectNats } from '@wakebus/placement-node';
import { folderSource, startSources, streamSource } from '@wakebus/sources';

const [servers = '', name = '', folder = ''] = process.argv.slice(2);

const connection = await connectNats({ servers });
const keep = (id: string, text: string): { agent: string; event: string; data: object } => ({
  agent: `keeper/${id}`,
  event: 'keep',
  data: { text },
});

await startSources(connection, [
  streamSource({
    name,
    stream: name,
    inFlight: 32,
    ackWaitMs: 1_000,
    map: ({ body }) => {
      const { n } = body as { n: number };
      return keep(`${name}-${n % 4}`, String(n));
    },
  }),
  folderSource({
    name: `${name}-files`,
    folder,
    quietMs: 20,
    map: ({ kind, path }) => keep(`${name}-files`, `${kind} ${path}`),
  }),
]);
