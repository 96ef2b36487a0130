/**
 * NATS service discovery: gateways and placement nodes answer `nats micro ls`, `info` and `stats`.
 *
 * Over any NATS connection, of which only `subscribe` is used. Whoever asks gets facts; nothing can be done this way.
 *
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md
 */

/** Who answers. */
export interface ServiceIdentity {
  /** `wakebus-gateway`, `wakebus-node` or `wakebus-sources`. */
  readonly name: string;
  /** Unique among all that run. */
  readonly id: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What else whoever asks for statistics is told, as `data`. @default nothing */
  readonly data?: () => object;
}

/** What is used of a NATS connection. */
interface DiscoveryConnection {
  subscribe(
    subject: string,
    options: { callback(error: unknown, message: { respond(data: string): boolean }): void },
  ): { unsubscribe(): void };
  isClosed(): boolean;
}

const verbs = ['PING', 'INFO', 'STATS'] as const;
/** Of the answers, which change with it; the packages have their own. */
const VERSION = '1.0.0';

/** Answers until it is stopped. */
export function answerDiscovery(connection: DiscoveryConnection, identity: ServiceIdentity): { stop(): void } {
  const started = new Date().toISOString();
  const subscriptions = verbs.flatMap((verb) => {
    const callback = (error: unknown, message: { respond(data: string): boolean }): void => {
      if (error === null) message.respond(JSON.stringify(answerTo(verb, identity, started)));
    };
    const { name, id } = identity;
    const subjects = [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.${id}`];
    return subjects.map((subject) => connection.subscribe(subject, { callback }));
  });
  return {
    stop: () => {
      if (connection.isClosed()) return;
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

function answerTo(verb: (typeof verbs)[number], identity: ServiceIdentity, started: string): object {
  const { name, id, description, metadata, data } = identity;
  const type = `io.nats.micro.v1.${verb.toLowerCase()}_response`;
  const common = { type, name, id, version: VERSION, metadata };
  if (verb === 'PING') return common;
  if (verb === 'INFO') return { ...common, description, endpoints: [] };
  return { ...common, started, endpoints: [], ...(data !== undefined && { data: data() }) };
}
