/**
 * The program of one awake agent: started for its first event, and gone before the agent is asleep.
 *
 * What it holds in memory is what the agent's record says, or it is killed: after a failure, a lost commit, or the
 * loss of the lease. Whoever wakes the agent next starts another from the record.
 */
import {
  type AgentMemory,
  type AgentRunner,
  type Program,
  type ProgramAnswer,
  type ProgramQuestion,
  programStateOf,
} from '@wakebus/core';
import { type AgentKey, addressOf, splitKey } from '@wakebus/protocol';
import type { NodeContext } from '../node-context.ts';
import type { ClockTimer } from '../ports/clock.ts';
import type { RunningSpan } from '../telemetry/running-span.ts';
import type { ProgramEnd } from './running-programs.ts';

/** Nobody may use what the program says any more: the agent is another node's, or about to be. */
export class ProgramUnwanted extends Error {
  override readonly name = 'ProgramUnwanted';
}

export class AgentProgram {
  readonly #context: NodeContext;
  readonly #key: AgentKey;
  readonly #runner: AgentRunner;
  #program: Program | undefined;
  #isUnwanted = false;
  #hurry: ClockTimer | undefined;

  constructor(context: NodeContext, key: AgentKey, runner: AgentRunner) {
    this.#context = context;
    this.#key = key;
    this.#runner = runner;
  }

  /**
   * Puts an event to the program, which is started where it does not run.
   *
   * @param memory - The agent as committed.
   * @throws {ProgramUnwanted} when it was killed meanwhile, for no fault of its own; else as {@link Program.ask}.
   */
  async ask(memory: AgentMemory, question: ProgramQuestion, running: RunningSpan): Promise<ProgramAnswer> {
    if (this.#isUnwanted) throw new ProgramUnwanted();
    if (this.#program?.isOver === true) this.#forget('ended');
    const program = (this.#program ??= this.#start(memory, question, running));
    program.resume();
    try {
      const answer = await program.ask(question, running.carrier);
      if (this.#isUnwanted) throw new ProgramUnwanted();
      return answer;
    } catch (thrown) {
      this.fail();
      throw this.#isUnwanted ? new ProgramUnwanted() : thrown;
    }
  }

  /** What it holds in memory is not what its agent is: the next event starts another. */
  fail(): void {
    this.#program?.kill();
    this.#forget('failed');
  }

  pause(): void {
    this.#program?.pause();
  }

  /** Asks it to end and waits for that, within the program's own bounds. */
  async stop(): Promise<void> {
    const program = this.#program;
    if (program === undefined) return;
    program.resume();
    await program.stop();
    this.#forget('stopped');
  }

  /** The agent is wanted elsewhere: what is being done about an event has so long to end, in milliseconds. */
  hurry(withinMs: number): void {
    this.#hurry ??= this.#context.ports.clock.setTimer(withinMs, () => this.kill());
  }

  /** Kills it. What it was asked is not answered, and counts for nothing. */
  kill(): void {
    this.#hurry?.cancel();
    this.#isUnwanted = true;
    this.#program?.kill();
    this.#forget('killed');
  }

  #start(memory: AgentMemory, { event }: ProgramQuestion, running: RunningSpan): Program {
    const { log, programs } = this.#context;
    const agent = this.#key;
    const headers = running.carrier;
    const program = this.#runner.start({
      address: addressOf(agent),
      epoch: memory.record.lease.epoch,
      state: programStateOf(memory.snapshot),
      cause: event.type,
      ...(headers !== undefined && { headers }),
      log: (line, facts) => log.info(line, { agent, ...facts }),
    });
    programs.begin();
    return program;
  }

  #forget(how: ProgramEnd): void {
    if (this.#program === undefined) return;
    this.#program = undefined;
    this.#context.programs.end(splitKey(this.#key).type, how);
  }
}
