/**
 * The effects of an awake agent: which are to be started now, and which ones nobody runs any more.
 *
 * A start is a commit of its own, after the one that plans and before anything runs. That nobody runs an
 * effect is said by a message to the agent: whatever its owner has stored before comes first, and wins.
 */
import { isDue, isRunnable, schedulesOf, specOf, startDue } from '@wakebus/core';
import { type JournalEntry, attribute, span } from '@wakebus/protocol';
import type { Activation } from '../activation.ts';
import type { NodeContext } from '../node-context.ts';

export class SessionEffects {
  readonly #context: NodeContext;
  readonly #activation: Activation;
  readonly #epoch: number;
  /** Attempts that this activation has started, or asked about: a deadline stands for each. */
  readonly #known = new Set<string>();
  #isStarting = false;

  constructor(context: NodeContext, activation: Activation, epoch: number) {
    this.#context = context;
    this.#activation = activation;
    this.#epoch = epoch;
  }

  /** Whether effects wait for their start: some delivery must stay unacknowledged until then. */
  get hasDue(): boolean {
    const { record } = this.#activation;
    // Between the commit of a start and its schedule, nothing but a delivery would bring anybody here.
    if (this.#isStarting) return true;
    return record.journal.length > 0 && isRunnable(record) && record.journal.some(isDue);
  }

  /** Whether {@link start} has something to do. A node that leaves starts nothing. */
  get isOwed(): boolean {
    return this.hasDue && !this.#context.effects.isDraining;
  }

  /** Commits that what is due is started, then runs it. @returns `false` when the commit was lost. */
  async start(): Promise<boolean> {
    this.#isStarting = true;
    try {
      await Promise.all(this.#activation.record.journal.filter(isDue).map((entry) => this.#stopLast(entry)));
      const started = await this.#commitStart();
      if (started === undefined) return false;
      this.#activation.handOver.arm(schedulesOf(started));
      await this.#run(started);
      return true;
    } finally {
      this.#isStarting = false;
    }
  }

  /** @returns what is started now, or nothing when the commit was lost. */
  async #commitStart(): Promise<readonly JournalEntry[] | undefined> {
    const { nodeId, ports, telemetry } = this.#context;
    const { definition, key, record } = this.#activation;
    const { journal, started } = startDue(definition, record, nodeId, ports.clock.wallMs());
    const running = telemetry.start(span.effectCommit, key, [record.trace]);
    const isMine = await this.#activation.stand({ journal });
    running.set({ [attribute.events]: started.length, [attribute.outcome]: isMine ? 'committed' : 'lost' });
    running.end();
    return isMine ? started : undefined;
  }

  async #run(started: readonly JournalEntry[]): Promise<void> {
    const { effects, membership, probes } = this.#context;
    const { definition, key } = this.#activation;
    if (probes?.beforeEffect !== undefined) await probes.beforeEffect(key);
    // A lease that has run out meanwhile: others may judge already, and nothing of it may begin.
    if (!membership.mayAct()) return;
    for (const entry of started) {
      this.#known.add(nameOf(entry));
      const spec = specOf(definition, entry);
      if (spec !== undefined) effects.start({ key, entry, spec, epoch: this.#epoch });
    }
  }

  /** Asks, once an attempt, whether what another session has started still runs, and tells the agent where it does not. */
  judge(): void {
    for (const entry of this.#activation.record.journal) {
      if (entry.state !== 'started' || this.#known.has(nameOf(entry))) continue;
      this.#known.add(nameOf(entry));
      void this.#judge(entry);
    }
  }

  async #judge(entry: JournalEntry): Promise<void> {
    const why = await this.#whyLost(entry);
    if (why !== undefined) this.#activation.handOver.tell(entry, why);
  }

  async #whyLost(entry: JournalEntry): Promise<string | undefined> {
    const { effects, membership, ports } = this.#context;
    const { attempt, deadlineMs = 0, generation, node = '' } = entry;
    if (!membership.hasLease(node)) return `its placement node ${node} is gone`;
    const isRunning = await effects.ask(node, { key: this.#activation.key, generation, attempt }, false);
    if (isRunning === false) return `its placement node ${node} does not run it`;
    // No answer says nothing: its deadline will, or should have.
    const isLate = isRunning === undefined && deadlineMs < ports.clock.wallMs();
    return isLate ? 'nobody said by its deadline how it ended' : undefined;
  }

  /** Where nobody knew how the attempt before it ended, that may still be under way: it is stopped first, where that can be. */
  async #stopLast({ attempt, error, generation, node }: JournalEntry): Promise<void> {
    if (node === undefined || error?.code !== 'EFFECT_MAYBE') return;
    await this.#context.effects.ask(node, { key: this.#activation.key, generation, attempt }, true);
  }
}

function nameOf({ attempt, generation }: JournalEntry): string {
  return `${generation}#${attempt}`;
}
