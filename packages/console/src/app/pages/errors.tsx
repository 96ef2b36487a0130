/** What an error code means, out of the documentation that comes with the console. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Empty, Page, Panel } from '../parts/blocks.tsx';

interface ErrorRow {
  readonly code: string;
  readonly next: string;
  readonly meaning: string;
  readonly mend: string;
}

export function ErrorsPage({ code }: { readonly code: string }): JSX.Element {
  const [rows, setRows] = useState<readonly ErrorRow[]>();
  useEffect(() => void readRows().then(setRows, () => setRows([])), []);
  const row = rows?.find((each) => each.code === code);
  return (
    <Page title={<code>{code}</code>} lead={row?.meaning}>
      {row === undefined ? (
        <Empty>{rows === undefined ? 'reading …' : 'This code is an agent’s own, or newer than this console.'}</Empty>
      ) : (
        <Panel title="What to do" note={`next: ${row.next}`}>
          <p>{row.mend}</p>
        </Panel>
      )}
    </Page>
  );
}

async function readRows(): Promise<ErrorRow[]> {
  const text = await (await fetch('./errors.md')).text();
  return text.split('\n').flatMap((line) => {
    const [, code, next, meaning, mend] = line.split('|').map((cell) => cell.trim().replaceAll('`', ''));
    if (code === undefined || !/^[A-Z][A-Z_]+$/.test(code)) return [];
    return [{ code, next: next ?? '', meaning: meaning ?? '', mend: mend ?? '' }];
  });
}
