/**
 * A span that has been started, and the headers that carry its context on.
 *
 * Where nothing records, all of this comes to one object: no attribute is built, and what is below a span
 * that is not sampled is not started at all.
 */
import { type Attributes, type Span, SpanStatusCode, context, isSpanContextValid, trace } from '@opentelemetry/api';
import { type Headers, attribute, traceHeaders, writeTraceContext } from '@wakebus/protocol';

export class RunningSpan {
  /** Headers for what is caused by this span; those that came in when nothing records here. */
  readonly carrier: Headers | undefined;
  /** Whether somebody will see its attributes: ask before making costly ones. */
  readonly isRecording: boolean;
  readonly #span: Span;

  constructor(started: Span, incoming: Headers | undefined) {
    const own = started.spanContext();
    this.carrier = isSpanContextValid(own)
      ? writeTraceContext(own, own.traceState?.serialize())
      : traceHeaders(incoming);
    this.isRecording = started.isRecording();
    this.#span = started;
  }

  set(attributes: Attributes): void {
    if (this.isRecording) this.#span.setAttributes(attributes);
  }

  /** Notes something that happened within the span. */
  note(name: string, attributes: Attributes): void {
    if (this.isRecording) this.#span.addEvent(name, attributes);
  }

  /** Runs work whose own spans, of whatever library, are children of this one. */
  within<T>(work: () => T): T {
    return this.isRecording ? context.with(trace.setSpan(context.active(), this.#span), work) : work();
  }

  /** Starts a span below this one. @internal */
  below(start: (parent: Span) => Span): RunningSpan {
    return this.isRecording ? new RunningSpan(start(this.#span), undefined) : this;
  }

  /** @param error - Only its code is recorded: a message may quote what the machine was given. */
  end(error?: { readonly code: string }): void {
    if (!this.isRecording) return;
    if (error !== undefined) {
      this.#span.setAttributes({ [attribute.code]: error.code, [attribute.errorType]: error.code });
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error.code });
    }
    this.#span.end();
  }
}
