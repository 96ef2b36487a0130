/**
 * What a run comes to: figures held against what is promised, and a table of its faults.
 */
import type { CampaignResult, FaultRecord, PartRecord } from './campaign.ts';
import { broken, classify } from './classify.ts';
import type { FigureRow } from '../runs/run-totals.ts';

/** Under this share of confirmed operations a run proves nothing. */
const LEAST_SHARE = 0.8;
const AGENTS_RUN_MS = 2_000;
const WRITERS_WRITE_MS = 10_000;
const STORM_SETTLES_MS = 60_000;

/** The violations of a whole run. */
export function violationsOf({ faults, parts }: CampaignResult): readonly string[] {
  return [...parts.flatMap(({ violations }) => violations), ...faults.flatMap(({ violations }) => violations ?? [])];
}

/** @param wanted - Faults that were to meet their target. */
export function campaignRows(result: CampaignResult, wanted: number): FigureRow[] {
  const { faults, parts } = result;
  const met = faults.filter((fault) => fault.met !== undefined);
  const sum = (pick: (part: CampaignResult['parts'][number]) => number): number =>
    parts.reduce((total, part) => total + pick(part), 0);
  const [operations, acknowledged] = [sum((part) => part.operations), sum((part) => part.acknowledged)];
  const share = operations === 0 ? 0 : acknowledged / operations;
  const violations = Map.groupBy(violationsOf(result), classify);
  return [
    { ...figure('faults', '', met.length), target: `>= ${wanted}`, met: met.length >= wanted },
    figure('faults-that-met-nothing', '', faults.length - met.length),
    figure('operations', '', operations),
    {
      ...figure('acknowledged', '', acknowledged),
      floor: operations,
      ratio: round(share),
      target: `>= ${LEAST_SHARE} x`,
      met: share >= LEAST_SHARE,
    },
    figure(
      'turns',
      '',
      sum((part) => part.turns),
    ),
    figure(
      'writes-unseen',
      '',
      sum((part) => part.missed),
    ),
    figure('node-kills', '', met.filter(({ kind }) => /^nodes? killed/.test(kind)).length),
    ...purchaseRows(parts),
    ...broken.map((kind) => atMost(kind.replaceAll(' ', '-'), '', violations.get(kind)?.length ?? 0, 0)),
    figure('longest-stall', 'ms', Math.max(0, ...faults.map(({ stallMs }) => stallMs))),
    ...slowest('killed-node-agents-run', met, (fault) => fault.recovers === 'agents', AGENTS_RUN_MS),
    ...slowest('lost-leader-writers-write', met, (fault) => fault.recovers === 'writers', WRITERS_WRITE_MS),
    ...slowest('storm-settles', met, ({ kind }) => kind === 'restart storm', STORM_SETTLES_MS),
    ...[...Map.groupBy(met, ({ kind }) => kind)].flatMap(([kind, of]) => slowest(`recover: ${kind}`, of, () => true)),
  ];
}

/** The till's side: what was entered, and of how much nobody knows. */
function purchaseRows(parts: readonly PartRecord[]): FigureRow[] {
  const rows = [
    ['effects-with-key', 'keyed'],
    ['effects-spared-by-key', 'spared'],
    ['effects-without-key', 'unkeyed'],
    ['effects-told-as-maybe', 'maybe'],
  ] as const;
  return rows.map(([name, of]) =>
    figure(
      name,
      '',
      parts.reduce((sum, { purchases }) => sum + purchases[of], 0),
    ),
  );
}

/** Whether nothing that is promised was broken, in a run that counts. Times are figures, and no promises. */
export function hasPassed(rows: readonly FigureRow[]): boolean {
  const deciding = ['faults', 'acknowledged', ...broken.map((kind) => kind.replaceAll(' ', '-'))];
  return rows.filter(({ name }) => deciding.includes(name)).every(({ met }) => met === true);
}

/** One line about a fault, as it happens. */
export function faultLine({
  number,
  kind,
  met,
  recoverMs,
  recovers,
  stallMs,
  tookMs,
  violations,
  remarks,
}: FaultRecord): string {
  const recovered = recoverMs === undefined ? '' : `${recovers} ${Math.round(recoverMs)} ms`;
  const line = [
    String(number).padStart(5),
    kind.padEnd(28),
    recovered.padEnd(18),
    `stall ${Math.round(stallMs)} ms`.padEnd(15),
    `took ${(tookMs / 1000).toFixed(1)} s`.padEnd(12),
    met ?? 'met nothing',
  ].join(' ');
  return [
    line,
    ...(violations ?? []).map((wrong) => `      ✗ ${wrong}`),
    ...(remarks ?? []).map((remark) => `      ! ${remark}`),
  ].join('\n');
}

/** The rows as a table for a person. */
export function renderRows(rows: readonly FigureRow[]): string {
  return rows
    .map(({ name, value, unit, ratio, target, met }) => {
      const mark = met === undefined ? ' ' : met ? '✓' : '✗';
      const shown = `${value.toLocaleString('en')}${unit && ` ${unit}`}`;
      return `${mark} ${name.padEnd(44)} ${shown.padStart(14)}  ${ratio === undefined ? '' : `${ratio} x  `}${target ?? ''}`.trimEnd();
    })
    .join('\n');
}

function slowest(
  name: string,
  faults: readonly FaultRecord[],
  isOf: (fault: FaultRecord) => boolean,
  mostMs?: number,
): FigureRow[] {
  const taken = faults.filter(isOf).flatMap(({ recoverMs }) => (recoverMs === undefined ? [] : [recoverMs]));
  if (taken.length === 0) return [];
  const worst = Math.max(...taken);
  return [mostMs === undefined ? figure(name, 'ms', worst) : atMost(name, 'ms', worst, mostMs)];
}

export function figure(name: string, unit: string, value: number): FigureRow {
  return { name, value: round(value), unit };
}

function atMost(name: string, unit: string, value: number, most: number): FigureRow {
  return { ...figure(name, unit, value), target: `<= ${most}${unit && ` ${unit}`}`, met: value <= most };
}

function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
