/**
 * `wakebus demo`: one agent slept 880 days.
 *
 * The story is in `run.ts`, what is checked in `verdict.ts`. Here is only the order of things, and that
 * nothing is left running, whatever happens.
 */
import { readDeliveries } from './deliveries.ts';
import { readEvidence } from './evidence.ts';
import { Interruption } from './interruption.ts';
import { type DemoOptions, readOptions } from './options.ts';
import { makePlan } from './plan.ts';
import { Progress } from './progress.ts';
import { renderHold, renderLine, renderNext, renderReport, renderUnfinished } from './report.ts';
import { Run } from './run.ts';
import { Stage } from './stage.ts';
import { type Result, judge } from './verdict.ts';

/** A run that takes longer than this, in milliseconds, hangs. */
const LIMIT_MS = 120_000;
/** 128 and the signal's number, as shells have it. */
const INTERRUPTED = 130;

/**
 * Runs the demo as its command line asks.
 *
 * @param argv - What follows `demo`.
 * @returns The exit code: 0 all right, 1 something is off, 2 wrong options, 130 interrupted.
 */
export async function runDemo(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if ('print' in options) {
    (options.code === 0 ? process.stdout : process.stderr).write(`${options.print}\n`);
    return options.code;
  }
  using interruption = new Interruption();
  try {
    return options.seeds === 1 ? await runShown(options, interruption) : await runMany(options, interruption);
  } catch (error) {
    process.stderr.write(interruption.signal.aborted ? 'interrupted\n' : `${(error as Error).message}\n`);
    return interruption.signal.aborted ? INTERRUPTED : 1;
  }
}

async function runShown(options: DemoOptions, interruption: Interruption): Promise<number> {
  const { seed, broken } = options;
  const result = await runOnce(options, interruption, (shown) =>
    process.stdout.write(`\n${renderReport(shown)}\n\n${renderNext(seed, broken)}\n`),
  );
  return result.faults.length > 0 ? 1 : 0;
}

async function runMany(options: DemoOptions, interruption: Interruption): Promise<number> {
  let wrong = 0;
  for (let seed = options.seed; seed < options.seed + options.seeds; seed += 1) {
    if (!(await isRight({ ...options, seed }, interruption))) wrong += 1;
  }
  process.stdout.write(`${options.seeds - wrong} of ${options.seeds} seeds right\n`);
  return wrong > 0 ? 1 : 0;
}

/** One of many: a run that cannot even be brought to its end is a wrong one, and the others go on. */
async function isRight(options: DemoOptions, interruption: Interruption): Promise<boolean> {
  const { seed } = options;
  const startedMs = Date.now();
  try {
    const result = await runOnce(options, interruption, (shown) =>
      process.stdout.write(`${renderLine(seed, shown, Date.now() - startedMs)}\n`),
    );
    return result.faults.length === 0;
  } catch (error) {
    if (interruption.signal.aborted) throw error;
    process.stdout.write(`${renderUnfinished(seed, error as Error)}\n`);
    return false;
  }
}

/** One run, on a stage of its own. */
async function runOnce(
  options: DemoOptions,
  interruption: Interruption,
  show: (result: Result) => void,
): Promise<Result> {
  const deliveries = readDeliveries();
  const plan = makePlan(options, deliveries.length);
  const progress = new Progress(process.stderr, deliveries.length);
  const stage = await Stage.open(options.broken, plan.times.windowMs);
  try {
    progress.step('a NATS server, a gateway and placement nodes one and two are up; the deliveries begin');
    const signal = AbortSignal.any([interruption.signal, AbortSignal.timeout(LIMIT_MS)]);
    const run = new Run(stage, plan, deliveries, progress, signal).run();
    const outcome = await Promise.race([run, aborted(signal)]);
    progress.end();
    const result = judge(deliveries, outcome, await readEvidence(stage), stage.api.posted);
    show(result);
    if (options.hold) await hold(stage, interruption);
    return result;
  } finally {
    progress.end();
    await stage.close();
  }
}

/** Rejects when the signal comes, and never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const give = (): void => reject(signal.reason as Error);
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

/** Lets people look around until Ctrl-C. */
async function hold(stage: Stage, interruption: Interruption): Promise<void> {
  await Promise.all([stage.startNode('four'), stage.startNode('five')]);
  process.stdout.write(`\n${renderHold(stage.url)}\n`);
  await aborted(interruption.signal).catch(() => {});
}
