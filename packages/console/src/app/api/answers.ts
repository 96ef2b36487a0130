/** What the gateway answers, where no type of the client says it. */
import type { AgentCensus, AgentSummary, LivingNode, PendingType } from '@wakebus/client';

/** A stream, as `/nodes` and `/overview` tell of it. */
interface StreamState {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
  readonly fill: number;
  readonly consumers: number;
  readonly replicas: number;
  readonly leader?: string;
}

/** `/nodes`. */
export interface NodesAnswer {
  readonly nodes: readonly LivingNode[];
  readonly pending: Readonly<Record<string, PendingType>>;
  readonly streams: readonly StreamState[];
}

/** `/overview`. */
export interface OverviewAnswer extends NodesAnswer {
  readonly atMs: number;
  readonly deployment: { readonly prefix: string; readonly partitions: number; readonly shards: number };
  readonly agents: AgentCensus;
  readonly wakes: {
    readonly commits: number;
    readonly fromMs: number;
    readonly toMs: number;
    readonly wakes: Readonly<Record<string, number>>;
    readonly gated: number;
    readonly turnMs?: { readonly p50: number; readonly p99: number };
  };
  readonly deadLetters: { readonly count: number };
}

/** One of `/agents?waiting`. */
export interface ListedAgent extends AgentSummary {
  readonly waiting?: number;
}
