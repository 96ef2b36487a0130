/**
 * A chart of a soak as an SVG: one small diagram a measure, each with its own scale and its slope.
 */
import { type Measure, type Sample, measures, slopeAnHour } from './soak.ts';

const WIDTH = 720;
const HEIGHT = 110;
const LEFT = 150;
const TOP = 24;

export function drawChart(samples: readonly Sample[]): string {
  const panels = measures.map(({ name, unit }, i) => panel(samples, name, unit, i * (HEIGHT + TOP)));
  const height = measures.length * (HEIGHT + TOP) + TOP;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${panels.join('\n')}
</svg>
`;
}

function panel(samples: readonly Sample[], name: Measure, unit: string, y: number): string {
  const values = samples.map((sample) => sample[name]);
  const most = Math.max(1e-9, ...values);
  const lastMs = Math.max(1, samples.at(-1)?.atMs ?? 1);
  const points = samples.map(({ atMs }, i) => {
    const x = LEFT + (atMs / lastMs) * (WIDTH - LEFT - 20);
    return `${x.toFixed(1)},${(y + TOP + HEIGHT - ((values[i] as number) / most) * (HEIGHT - 10)).toFixed(1)}`;
  });
  const slope = `${slopeAnHour(samples, name).toPrecision(3)} ${unit} an hour`.replace('  ', ' ');
  return `<text x="8" y="${y + TOP + 16}" font-weight="bold">${name}</text>
<text x="8" y="${y + TOP + 34}">0 to ${most.toPrecision(3)} ${unit}</text>
<text x="8" y="${y + TOP + 52}">${slope}</text>
<line x1="${LEFT}" y1="${y + TOP + HEIGHT}" x2="${WIDTH - 20}" y2="${y + TOP + HEIGHT}" stroke="#999"/>
<polyline fill="none" stroke="#1565c0" stroke-width="1.5" points="${points.join(' ')}"/>`;
}
