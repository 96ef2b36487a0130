/** A value as a tree that opens and closes. Everything in it is text, whoever wrote it. */
import type { JSX } from 'preact';

/** Entries of one object or list that are shown. */
const MOST_ENTRIES = 200;
/** Levels that are open at first. */
const OPEN_LEVELS = 2;

interface JsonProps {
  readonly value: unknown;
  readonly level?: number;
}

export function Json({ value, level = 0 }: JsonProps): JSX.Element {
  if (typeof value !== 'object' || value === null) return <Scalar value={value} />;
  const entries = Object.entries(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) return <span class="json-mark">{open + close}</span>;
  return (
    <details class="json" open={level < OPEN_LEVELS}>
      <summary>
        <span class="json-mark">{open}</span>
        <span class="muted"> {entries.length} </span>
        <span class="json-mark">{close}</span>
      </summary>
      <ul>
        {entries.slice(0, MOST_ENTRIES).map(([name, each]) => (
          <li key={name}>
            <span class="json-name">{name}</span>
            {': '}
            <Json value={each} level={level + 1} />
          </li>
        ))}
        {entries.length > MOST_ENTRIES && <li class="muted">… {entries.length - MOST_ENTRIES} more: look at Raw</li>}
      </ul>
    </details>
  );
}

function Scalar({ value }: { readonly value: unknown }): JSX.Element {
  const kind = value === null ? 'null' : typeof value;
  return <span class={`json-${kind}`}>{value === undefined ? 'nothing' : JSON.stringify(value)}</span>;
}
