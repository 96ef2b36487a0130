/** A few numbers as bars, each with its own words: the list is the drawing's twin. */
import type { JSX } from 'preact';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly note: string;
  /** Whether it is bad news. */
  readonly isBad?: boolean;
}

interface BarsProps {
  readonly label: string;
  readonly rows: readonly Bar[];
}

export function Bars({ label, rows }: BarsProps): JSX.Element {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  return (
    <ul class="bars" aria-label={label}>
      {rows.map((bar) => (
        <li key={bar.label} class={bar.isBad === true ? 'bad' : ''}>
          <span>{bar.label}</span>
          <i aria-hidden="true">
            <b style={{ width: `${(100 * bar.value) / most}%` }} />
          </i>
          <span class="number">{bar.note}</span>
        </li>
      ))}
    </ul>
  );
}
