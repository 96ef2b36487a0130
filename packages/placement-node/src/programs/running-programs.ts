/** The programs that run in this placement node as agents' behaviour, counted. */
import { metric } from '@wakebus/protocol';
import type { Telemetry } from '../telemetry.ts';

/** How a program has come to its end: by itself, in the middle of an event, because its agent sleeps, or because nobody may use it any more. */
export type ProgramEnd = 'ended' | 'failed' | 'stopped' | 'killed';

export class RunningPrograms {
  readonly #telemetry: Telemetry;
  #count = 0;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
    telemetry.observe(metric.programs, () => this.#count);
  }

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count += 1;
  }

  end(type: string, how: ProgramEnd): void {
    this.#count -= 1;
    this.#telemetry.programEnds.add(1, { type, how });
  }
}
