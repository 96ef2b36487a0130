/** The building blocks of pages: headings, panels, facts, tables of a few rows, and what is said when there is nothing. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Reading } from '../state/use-read.ts';

interface PageProps {
  readonly title: ComponentChildren;
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A page under its heading. */
export function Page({ title, lead, actions, children }: PageProps): JSX.Element {
  return (
    <>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

interface PanelProps {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** One part of a page. */
export function Panel({ title, note, children }: PanelProps): JSX.Element {
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {note !== undefined && <span class="muted">{note}</span>}
      </header>
      {children}
    </section>
  );
}

/** Good news, and the command that would fill the page. */
export function Empty({
  children,
  command,
}: {
  readonly children: ComponentChildren;
  readonly command?: string;
}): JSX.Element {
  return (
    <div class="empty">
      <p>{children}</p>
      {command !== undefined && <Command text={command} />}
    </div>
  );
}

/** A command line that can be copied. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => void navigator.clipboard?.writeText(text).then(() => setCopied(true));
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy the command ${text}`}>
        {isCopied ? 'copied' : 'copy'}
      </button>
    </div>
  );
}

/** What was read, or that it is being read, or why it could not be. What was read before stays when reading fails. */
export function Shown<T>({
  reading,
  children,
}: {
  readonly reading: Reading<T>;
  readonly children: (value: T) => ComponentChildren;
}): JSX.Element {
  const { value, error } = reading;
  return (
    <>
      {error !== undefined && (value === undefined || error.name !== 'Unreachable') && <Problem error={error} />}
      {value !== undefined && children(value)}
      {value === undefined && error === undefined && <p class="reading">reading …</p>}
    </>
  );
}

/** Something went wrong, in its own words. */
export function Problem({ error }: { readonly error: Error }): JSX.Element {
  return (
    <div class="problem" role="alert">
      {error.message}
    </div>
  );
}

/** A few facts as a list of pairs; those without a value are left out. */
export function Facts({
  facts,
}: {
  readonly facts: ReadonlyArray<readonly [name: string, value: ComponentChildren]>;
}): JSX.Element {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

interface TableProps {
  readonly label: string;
  /** Names of the columns; one that ends in `#` holds numbers. */
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<{ readonly key: string; readonly cells: readonly ComponentChildren[] }>;
}

/** A table of at most some hundreds of rows. */
export function Table({ label, columns, rows }: TableProps): JSX.Element {
  return (
    <div class="table-wrap" role="group" aria-label={label} tabIndex={0}>
      <table>
        <caption class="sr">{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" class={column.endsWith('#') ? 'number' : ''}>
                {column.replace('#', '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, at) => (
                <td key={at} class={columns[at]?.endsWith('#') === true ? 'number' : ''}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
