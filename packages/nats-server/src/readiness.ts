/**
 * When a server may be used: its port answers, JetStream has recovered its streams, a cluster has its leader.
 *
 * Asks the server's own monitoring port, so no NATS client is needed.
 */

/** How often an unready server is asked again, in milliseconds. A server alone is up after about 30. */
const pollMs = 10;

/** How long one answer may take, in milliseconds: a stopped server accepts connections and says nothing. */
const answerMs = 1_000;

/** What {@link waitUntilReady} needs to know. */
export interface ReadinessQuestion {
  readonly monitorPort: number;
  /** How many servers the cluster has; 1 for a server alone. */
  readonly clusterSize: number;
  /** When to give up, by `performance.now()`. */
  readonly deadlineMs: number;
  /** Whether the process has ended, which no waiting mends. */
  readonly hasExited: () => boolean;
}

/**
 * Waits until a server may be used.
 *
 * @param question - Which server, and how long.
 * @returns Nothing once it is ready; otherwise what it is still missing.
 */
export async function waitUntilReady(question: ReadinessQuestion): Promise<string | undefined> {
  for (;;) {
    const missing = await whatIsMissing(question);
    if (!missing) return undefined;
    if (question.hasExited() || performance.now() > question.deadlineMs) return missing;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function whatIsMissing({ monitorPort, clusterSize }: ReadinessQuestion): Promise<string | undefined> {
  const health = await ask<{ status: string; error?: string }>(monitorPort, 'healthz');
  if (typeof health === 'string') return health;
  if (health.status !== 'ok') return health.error ?? `the server says it is ${health.status}`;
  return clusterSize > 1 ? whatTheClusterMisses(monitorPort, clusterSize) : undefined;
}

async function whatTheClusterMisses(monitorPort: number, clusterSize: number): Promise<string | undefined> {
  const state = await ask<{
    meta_cluster?: { leader?: string; cluster_size?: number; replicas?: readonly { offline?: boolean }[] };
  }>(monitorPort, 'jsz');
  if (typeof state === 'string') return state;
  const meta = state.meta_cluster;
  if (!meta?.leader) return 'JetStream has elected no leader';
  if (meta.cluster_size !== clusterSize) return `JetStream knows ${meta.cluster_size} servers of ${clusterSize}`;
  return undefined;
}

/** The parsed answer, or why there is none. */
async function ask<Answer>(monitorPort: number, endpoint: string): Promise<Answer | string> {
  try {
    const response = await fetch(`http://127.0.0.1:${monitorPort}/${endpoint}`, {
      signal: AbortSignal.timeout(answerMs),
    });
    return (await response.json()) as Answer;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `the monitoring port does not answer (${cause instanceof Error ? cause.message : String(cause)})`;
  }
}
