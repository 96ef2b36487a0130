/**
 * A run: faults one after the other on a cluster in use, and after every few of them a rest in which the
 * checker reads all that is stored.
 *
 * Each part has agents of its own, so that lists stay short however long a run is.
 */
import type { AgentHistory, RunHistory, Violation } from '../checker/run-history.ts';
import { readHistory } from '../checker/run-history.ts';
import { Prng } from '../simulation/prng.ts';
import { type PurchaseCount, chaosBuyer, countPurchases } from './chaos-purchases.ts';
import { type AttachedClient, Cluster } from './cluster.ts';
import { Deck } from './deck.ts';
import type { Fault, Stage, Strike } from './faults/fault.ts';
import { replaceEnded } from './faults/node-faults.ts';
import { pause } from './patience.ts';
import { RecordWatch } from './record-watch.ts';
import { comeToRest, readStoredAgents } from './stored-run.ts';
import { Till } from './till.ts';
import { Traffic } from './traffic.ts';

export interface CampaignOptions {
  /** Faults that shall meet their target. */
  readonly faults: number;
  readonly seed: number;
  /** What to draw from; each kind comes once before any comes again. */
  readonly kinds: readonly Fault[];
  /** Ledgers of one part. @default 240 */
  readonly agents?: number;
  /** Workers of each of the three clients. @default 9 */
  readonly workers?: number;
  /** Pause of a worker after each event, in milliseconds. @default 5 */
  readonly paceMs?: number;
  /** Whether the till honours keys. A run in which it does not must fail. @default true */
  readonly honoursKeys?: boolean;
  readonly onFault?: (fault: FaultRecord) => void;
  readonly onPart?: (part: PartRecord) => void;
}

/** One fault of a run. */
export interface FaultRecord extends Strike {
  readonly number: number;
  readonly kind: string;
  /** Longest time without any confirmed event, in milliseconds. */
  readonly stallMs: number;
  readonly tookMs: number;
}

/** What lies between two rests. */
export interface PartRecord {
  readonly operations: number;
  readonly acknowledged: number;
  readonly turns: number;
  /** Writes of records that were not seen: what they may have been is not held against anybody. */
  readonly missed: number;
  readonly purchases: PurchaseCount;
  readonly violations: readonly Violation[];
}

export interface CampaignResult {
  readonly faults: readonly FaultRecord[];
  readonly parts: readonly PartRecord[];
}

const NODES = 3;
const CLIENTS = 3;
/** Faults between two rests. */
const FAULTS_A_PART = 8;
/** Traffic before the first fault of a part and between two, in milliseconds: the next one meets a system at work. */
const CALM_MS = 400;
/** Everything that is owed is done by then, in milliseconds: redelivery takes 5 s, a try to relay 2 s, a guard's schedule 60 s. */
const REST_MS = 100_000;
/** A run in which so few faults meet their targets is none. */
const MOST_DRAWS = 2;

export class Campaign {
  readonly #options: CampaignOptions;
  readonly #cluster: Cluster;
  readonly #clients: readonly AttachedClient[];
  readonly #prober: AttachedClient;
  readonly #watch: RecordWatch;
  readonly #till: Till;
  readonly #prng: Prng;
  readonly #faults: FaultRecord[] = [];
  readonly #parts: PartRecord[] = [];

  private constructor(
    options: CampaignOptions,
    cluster: Cluster,
    clients: readonly AttachedClient[],
    prober: AttachedClient,
    watch: RecordWatch,
    till: Till,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#clients = clients;
    this.#prober = prober;
    this.#watch = watch;
    this.#till = till;
    this.#prng = new Prng(options.seed, 'faults');
  }

  /** Runs to the end and leaves nothing behind. */
  static async run(options: CampaignOptions): Promise<CampaignResult> {
    const { honoursKeys = true, seed } = options;
    const till = await Till.open({ seed, honoursKeys });
    try {
      return await Campaign.#runWith(options, till);
    } finally {
      await till.close();
    }
  }

  static async #runWith(options: CampaignOptions, till: Till): Promise<CampaignResult> {
    const cluster = await Cluster.open();
    try {
      for (let i = 0; i < NODES; i += 1) await cluster.startNode();
      const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => cluster.connectClient(`c${i}`)));
      const prober = await cluster.connectClient('prober');
      const watch = await RecordWatch.start(cluster);
      return await new Campaign(options, cluster, clients, prober, watch, till).#run();
    } finally {
      await cluster.close();
    }
  }

  async #run(): Promise<CampaignResult> {
    const { faults, kinds } = this.#options;
    const deck = new Deck(kinds, this.#prng);
    const met = (): number => this.#faults.filter((fault) => fault.met !== undefined).length;
    while (met() < faults && this.#faults.length < MOST_DRAWS * faults) {
      await this.#runPart(deck, () => met() < faults);
    }
    this.#watch.stop();
    return { faults: this.#faults, parts: this.#parts };
  }

  async #runPart(deck: Deck<Fault>, goesOn: () => boolean): Promise<void> {
    const { seed, agents = 240, workers = 9, paceMs = 5 } = this.#options;
    const part = `p${this.#parts.length}`;
    const traffic = new Traffic(this.#clients, { seed, part, agents, workers, paceMs, till: this.#till });
    await pause(CALM_MS);
    for (let i = 0; i < FAULTS_A_PART && goesOn(); i += 1) {
      await this.#strike(deck.draw(), traffic, `${part}f${i}`);
      await pause(CALM_MS);
    }
    await traffic.end();
    const record = await this.#judge(traffic, part);
    this.#parts.push(record);
    this.#options.onPart?.(record);
    this.#watch.clear();
  }

  async #strike(fault: Fault, traffic: Traffic, name: string): Promise<void> {
    const stage: Stage = {
      cluster: this.#cluster,
      clients: this.#clients,
      prober: this.#prober,
      watch: this.#watch,
      traffic,
      prng: this.#prng,
      name,
    };
    traffic.takeLongestStall();
    const startedMs = performance.now();
    const strike = await fault.strike(stage);
    const stallMs = traffic.takeLongestStall();
    const tookMs = performance.now() - startedMs;
    const lost = this.#cluster.nodes.filter(({ process }) => process.hasEnded);
    const remarks = [
      ...(strike.remarks ?? []),
      ...lost.map(({ process }) => `${process.name} ended: ${process.complaints}`),
    ];
    await replaceEnded(stage);
    const record = { ...strike, remarks, number: this.#faults.length + 1, kind: fault.kind, stallMs, tookMs };
    this.#faults.push(record);
    this.#options.onFault?.(record);
  }

  /** Everything has been sent: what is stored must be what was promised. */
  async #judge(traffic: Traffic, part: string): Promise<PartRecord> {
    const { ports } = this.#cluster;
    const keys = traffic.agents;
    const owed = await comeToRest(ports, keys, REST_MS);
    const { missed } = this.#watch;
    const history = readHistory(await readStoredAgents(ports, this.#watch, keys), traffic.operations, {
      endMs: Date.now(),
      missed,
      living: new Set(),
    });
    const violations = traffic.workloads.flatMap((workload) => workload.check(ofTypes(history, workload.agents)));
    const turns = [...history.agents.values()].reduce((sum, { record }) => sum + (record?.turns ?? 0), 0);
    const acknowledged = traffic.operations.filter(({ outcome }) => outcome === 'ok').length;
    return {
      operations: traffic.operations.length,
      acknowledged,
      turns,
      missed: missed.length,
      purchases: countPurchases(ofTypes(history, [chaosBuyer]), this.#till, part),
      violations: [...(owed === undefined ? [] : [`It never came to rest: ${owed}`]), ...violations],
    };
  }
}

/** The part of a history that is about some types. */
function ofTypes(
  { agents, operations, ...facts }: RunHistory,
  types: readonly { readonly type: string }[],
): RunHistory {
  const isOf = (key: string): boolean => types.some(({ type }) => key.startsWith(`${type}.`));
  return {
    agents: new Map(
      [...agents].filter(([key]): boolean => isOf(key)) as ReadonlyArray<[AgentHistory['key'], AgentHistory]>,
    ),
    operations: operations.filter(({ agent }) => isOf(agent)),
    ...facts,
  };
}
