/** Metrics of sources, through the OpenTelemetry API only. */
import { type Counter, type ObservableResult, metrics } from '@opentelemetry/api';
import { metric } from '@wakebus/protocol';

/** What came of something that came in. */
export type SourceOutcome = 'stored' | 'duplicate' | 'ignored' | 'refused';

export class SourceTelemetry {
  readonly #meter = metrics.getMeter('@wakebus/sources');
  readonly #events: Counter = this.#meter.createCounter(metric.sourceEvents);
  readonly #restarts: Counter = this.#meter.createCounter(metric.sourceRestarts);
  readonly #up = this.#meter.createObservableGauge(metric.sourceUp);

  counted(source: string, outcome: SourceOutcome): void {
    this.#events.add(1, { source, outcome });
  }

  restarted(source: string): void {
    this.#restarts.add(1, { source });
  }

  /** Has it observed whether sources are up, until it is called again. */
  observe(upBySource: () => ReadonlyMap<string, boolean>): () => void {
    const look = (result: ObservableResult): void => {
      for (const [source, isUp] of upBySource()) result.observe(isUp ? 1 : 0, { source });
    };
    this.#up.addCallback(look);
    return () => this.#up.removeCallback(look);
  }
}
