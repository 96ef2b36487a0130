/**
 * Benchmark rows: a figure, the floor measured in the same run, and the target for their ratio.
 */

/** One figure. Ratios are what is held to a target: absolute figures differ between machines. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly floor?: number;
  readonly ratio?: number;
  readonly target?: string;
  readonly met?: boolean;
  /** CPU of this process and of the server, in milliseconds for each 1,000 turns. */
  readonly cpuNodeMs?: number;
  readonly cpuServerMs?: number;
}

/** A row whose ratio to the floor may be `most` at the most. */
export function atMost(name: string, unit: string, value: number, floor: number, most: number): Row {
  const ratio = value / floor;
  return {
    name,
    unit,
    value: round(value),
    floor: round(floor),
    ratio: round(ratio),
    target: `<= ${most} x`,
    met: ratio <= most,
  };
}

/** A row whose ratio to the floor must be `least` at the least. */
export function atLeast(name: string, unit: string, value: number, floor: number, least: number): Row {
  const ratio = value / floor;
  return {
    name,
    unit,
    value: round(value),
    floor: round(floor),
    ratio: round(ratio),
    target: `>= ${least} x`,
    met: ratio >= least,
  };
}

/** A row with an absolute limit. */
export function within(name: string, unit: string, value: number, most: number): Row {
  return { name, unit, value: round(value), target: `<= ${most} ${unit}`, met: value <= most };
}

/** A row without a target. */
export function figure(name: string, unit: string, value: number): Row {
  return { name, unit, value: round(value) };
}

/** The q-quantile of a list, by rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** The rows as a table for a person. */
export function renderTable(rows: readonly Row[]): string {
  const header = ['', 'name', 'value', 'floor', 'ratio', 'target', 'cpu ms/1k node', 'server'];
  const lines = rows.map((row) => [
    row.met === undefined ? ' ' : row.met ? '✓' : '✗',
    row.name,
    `${row.value} ${row.unit}`,
    row.floor === undefined ? '' : String(row.floor),
    row.ratio === undefined ? '' : String(row.ratio),
    row.target ?? '',
    row.cpuNodeMs === undefined ? '' : String(row.cpuNodeMs),
    row.cpuServerMs === undefined ? '' : String(row.cpuServerMs),
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...lines].map((line) => (line[column] as string).length)),
  );
  return [header, ...lines]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
