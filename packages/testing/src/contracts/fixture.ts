/**
 * What a port's contract needs of the adapters that it is held to: a deployment of their own, and a way
 * to let time pass.
 *
 * The suites say nothing about how an adapter works; they know its ports and the layout.
 */
import type { Ports } from '@wakebus/placement-node';
import { expect } from 'vitest';

/** How a fixture's deployment differs from an ordinary one. */
export interface FixtureOptions {
  /** Messages in each inbox. @default as a deployment is created */
  readonly inboxMaxMessages?: number;
  /** How long the log recognizes a message ID, in milliseconds. @default as a deployment is created */
  readonly duplicateWindowMs?: number;
  /** @default 4: every test uses one or two of them */
  readonly partitions?: number;
}

/** A deployment with nothing in it. */
export interface PortsFixture {
  /** As the first process sees it. Calls of its methods resolve by themselves, without `advance`. */
  readonly ports: Ports;
  /** Another process in the same deployment. */
  another(): Promise<Ports>;
  /** Lets time pass, in milliseconds: a real adapter waits, a virtual clock jumps. What falls due in it has happened when it resolves, or soon after. */
  advance(ms: number): Promise<void>;
  /** Ends all processes and the deployment. */
  close(): Promise<void>;
}

/** Makes a fixture; called for each test. */
export type MakeFixture = (options?: FixtureOptions) => Promise<PortsFixture>;

/** Time passes in steps of this length, in milliseconds, while a condition is awaited. */
const STEP_MS = 10;
/** How long a condition may take, in milliseconds of the fixture's time. */
const PATIENCE_MS = 20_000;

/** Lets time pass until a condition holds, and fails when it never does. */
export async function until(
  fixture: PortsFixture,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += STEP_MS) {
    if (await condition()) return;
    await fixture.advance(STEP_MS);
  }
  expect.fail(`waited ${PATIENCE_MS} ms in vain until ${what}`);
}

/** Runs a test over a fixture of its own, and ends it whatever happens. */
export function over(
  makeFixture: MakeFixture,
  run: (fixture: PortsFixture) => Promise<void>,
  options?: FixtureOptions,
): () => Promise<void> {
  return async () => {
    const fixture = await makeFixture(options);
    try {
      await run(fixture);
    } finally {
      await fixture.close();
    }
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text as a payload. */
export function bytes(content: string): Uint8Array {
  return encoder.encode(content);
}

/** A payload as text; `undefined` stays what it is. */
export function text(data: Uint8Array | undefined): string | undefined {
  return data === undefined ? undefined : decoder.decode(data);
}
