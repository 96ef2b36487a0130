/**
 * Runs vitest and ends with the line that CI reads: `N passed, N failed`.
 *
 * The counts come from vitest's own JSON report. A file that could not be loaded counts as one failed test,
 * and so does an error outside any test. No tests at all are a failure: a checker must have read something.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';

interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const reportPath = `.cache/vitest/report-${process.pid}.json`;

process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  mkdirSync('.cache/vitest', { recursive: true });
  const command = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    ...args,
  ];
  const { status } = spawnSync('vitest', command, { stdio: 'inherit' });
  const counts = count(readReport());
  const stray = status !== 0 && counts.failed === 0 ? 1 : 0;
  const failed = counts.failed + stray;
  if (counts.passed + failed === 0) console.error('No test ran: that is a failure. Is the filter right?');
  console.log(`${counts.passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
  return failed > 0 || counts.passed === 0 ? 1 : 0;
}

/** An empty report when vitest ended before it wrote one. */
function readReport(): Report {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
  } catch {
    return { testResults: [] };
  } finally {
    rmSync(reportPath, { force: true });
  }
}

function count({ testResults }: Report): Counts {
  const statuses = testResults.flatMap((file) => file.assertionResults.map((test) => test.status));
  const unloadable = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const passed = statuses.filter((status) => status === 'passed').length;
  const failed = statuses.filter((status) => status === 'failed').length;
  return { passed, failed: failed + unloadable.length, skipped: statuses.length - passed - failed };
}
