/** The time, as pages show it: it moves once a second, for all of them together. */
import { type Signal, signal } from '@preact/signals';

export const nowMs: Signal<number> = signal(Date.now());

setInterval(() => {
  if (!document.hidden) nowMs.value = Date.now();
}, 1_000);
