/** A table of any number of rows, of which only those in sight are in the page. Rows are links; `j` and `k` walk over them. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Height of a row, in pixels: the style sheet says the same. */
const ROW_PX = 40;
/** Rows beyond the edges, so that scrolling does not show a gap. */
const SPARE = 8;

interface VirtualTableProps<T> {
  readonly label: string;
  readonly columns: ReadonlyArray<{ readonly name: string; readonly width: string; readonly isNumber?: boolean }>;
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly cells: (row: T) => readonly ComponentChildren[];
  /** The last rows have come into sight: there may be more to read. */
  readonly onEnd?: () => void;
}

export function VirtualTable<T>(props: VirtualTableProps<T>): JSX.Element {
  const { label, columns, rows, keyOf, cells, onEnd } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [from, to] = useInSight(frame, rows.length);
  useEffect(() => {
    if (to >= rows.length - SPARE) onEnd?.();
  }, [to, rows.length]);
  const template = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') };
  return (
    <div class="virtual" ref={frame} tabIndex={0} role="group" aria-label={label}>
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1}>
        <div role="row" class="virtual-head" style={template} aria-rowindex={1}>
          {columns.map(({ name, isNumber }) => (
            <span key={name} role="columnheader" class={isNumber === true ? 'number' : ''}>
              {name}
            </span>
          ))}
        </div>
        <div role="rowgroup" class="virtual-body" style={{ height: `${rows.length * ROW_PX}px` }}>
          {rows.slice(from, to).map((row, at) => (
            <div
              key={keyOf(row)}
              role="row"
              class="virtual-row"
              aria-rowindex={from + at + 2}
              style={{ ...template, top: `${(from + at) * ROW_PX}px` }}
            >
              {cells(row).map((cell, column) => (
                <span key={column} role="cell" class={columns[column]?.isNumber === true ? 'number' : ''}>
                  {cell}
                </span>
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

/** The first row that is in sight, and the one behind the last. */
function useInSight(frame: { readonly current: HTMLDivElement | null }, length: number): readonly [number, number] {
  const [sight, setSight] = useState({ top: 0, height: 800 });
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const look = (): void => setSight({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  const from = Math.max(0, Math.floor(sight.top / ROW_PX) - SPARE);
  return [from, Math.min(length, Math.ceil((sight.top + sight.height) / ROW_PX) + SPARE)];
}
