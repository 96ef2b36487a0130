/**
 * One side of a comparison: a real server or the model, and a trace that runs on it operation by
 * operation. Both sides run this very code; they differ in their ports.
 */
import type { Ports } from '@wakebus/placement-node';
import { ConsumerPart } from './consumer-part.ts';
import { LogPart } from './log-part.ts';
import type { Moment } from './moment.ts';
import type { TraceOperation } from './operation.ts';
import { type Outcome, ofThrown } from './outcome.ts';
import { RecordPart } from './record-part.ts';
import type { Scene } from './scene.ts';

/** What a side is made of. */
export interface Deployment {
  readonly processes: readonly [Ports, Ports];
  /** Deletes a durable consumer of the inbox, as an operator would. */
  loseConsumer(name: string): Promise<void>;
  /** Kills the server and starts it again; resolves when it serves. */
  restart(): Promise<void>;
}

export class Side {
  readonly #deployment: Deployment;
  readonly #scene: Scene;
  readonly #logs: LogPart;
  readonly #records: RecordPart;
  readonly #consumers: ConsumerPart;

  constructor(deployment: Deployment, scene: Scene) {
    const { processes } = deployment;
    this.#deployment = deployment;
    this.#scene = scene;
    this.#logs = new LogPart(processes, scene);
    this.#records = new RecordPart(processes, scene);
    this.#consumers = new ConsumerPart(processes, scene, () => this.#logs.base('inbox'));
  }

  /** Makes room for a trace. */
  async begin(): Promise<void> {
    await this.#logs.begin();
    await this.#records.begin();
  }

  /** Runs one operation; what its port throws is an outcome too. */
  async apply(operation: TraceOperation, moment: Moment): Promise<Outcome> {
    try {
      return await this.#run(operation, moment);
    } catch (error) {
      return ofThrown(error);
    }
  }

  /** What comes by itself, as far as it has come: deliveries, and the state that watches show. */
  arrived(): Outcome {
    return { delivered: this.#consumers.delivered(), watched: this.#records.watched() };
  }

  /** What the leaders say that there is. */
  async holdings(): Promise<Outcome> {
    return { arrived: this.arrived(), logs: await this.#logs.holdings(), records: await this.#records.contents() };
  }

  /** Every message of every log. */
  contents(): Promise<Outcome> {
    return this.#logs.contents();
  }

  /** All reports of each watch, oldest first. */
  reports(): ReadonlyArray<readonly string[]> {
    return this.#records.reports();
  }

  /** Ends what the trace has left running. */
  async end(): Promise<void> {
    await this.#records.end();
    await this.#consumers.end();
    for (const name of this.#consumers.names()) await this.#deployment.loseConsumer(name);
  }

  async #run(operation: TraceOperation, moment: Moment): Promise<Outcome> {
    switch (operation.do) {
      case 'put':
      case 'remove':
      case 'get record':
      case 'keys':
      case 'scan':
      case 'watch':
      case 'race':
        return this.#records.apply(operation, moment);
      case 'consume':
      case 'set rank':
      case 'stop':
      case 'ack':
      case 'working':
      case 'nak':
        return this.#consumers.apply(operation);
      case 'lose consumer':
        return this.#deployment.loseConsumer(this.#scene.consumer(operation.partition)).then(() => 'lost');
      case 'restart':
        return this.#deployment.restart().then(() => 'restarted');
      case 'wait':
        return 'waited';
      default:
        return this.#logs.apply(operation, moment);
    }
  }
}
