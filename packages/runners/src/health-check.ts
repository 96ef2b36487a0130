/** Whether a program that has nothing to do still listens: it is pinged now and then, and killed when it misses too many. */
import { pingFrame } from './frames.ts';
import type { HealthOptions } from './process-options.ts';

interface Patient {
  readonly say: (line: string) => void;
  readonly fail: (why: string) => void;
}

export class HealthCheck {
  readonly #options: Required<HealthOptions>;
  readonly #patient: Patient;
  #timer: NodeJS.Timeout | undefined;
  #n = 0;
  #misses = 0;
  #isAwaited = false;

  constructor(options: Required<HealthOptions>, patient: Patient) {
    this.#options = options;
    this.#patient = patient;
  }

  /** It is between two events from now on. */
  resume(): void {
    this.pause();
    this.#wait();
  }

  /** It is busy, or stands still: nobody expects an answer. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isAwaited = false;
    this.#misses = 0;
  }

  heard(n: number): void {
    if (n !== this.#n || !this.#isAwaited) return;
    this.#isAwaited = false;
    this.#misses = 0;
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#ping(), this.#options.intervalMs).unref();
  }

  #ping(): void {
    this.#n += 1;
    this.#isAwaited = true;
    this.#patient.say(pingFrame(this.#n));
    this.#timer = setTimeout(() => this.#look(), this.#options.timeoutMs).unref();
  }

  #look(): void {
    if (this.#isAwaited) this.#misses += 1;
    const { misses, timeoutMs } = this.#options;
    if (this.#misses >= misses)
      return this.#patient.fail(`it has not answered ${misses} pings, each within ${timeoutMs} ms`);
    this.#wait();
  }
}
