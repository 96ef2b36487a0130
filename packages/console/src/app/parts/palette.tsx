/** The palette: an address to go to, a page, a chain. And the help on keys. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { theme } from '../state/theme.ts';
import { overlay, pageHref, pages } from '../state/keys.ts';
import { agentHref, go, hrefOf } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';

interface Choice {
  readonly text: string;
  readonly note: string;
  readonly take: () => void;
}

export function Overlay(): JSX.Element | null {
  if (overlay.value === 'palette') return <Palette />;
  return overlay.value === 'help' ? <Help /> : null;
}

function useDialog(): { readonly current: HTMLDialogElement | null } {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return dialog;
}

function onClose(): void {
  overlay.value = undefined;
}

function Palette(): JSX.Element {
  const dialog = useDialog();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const { value } = useRead<{ readonly types: ReadonlyArray<{ readonly type: string }> }>('types', true);
  const choices = choicesOf(text.trim(), value?.types.map(({ type }) => type) ?? []);
  const chosen = Math.min(at, choices.length - 1);
  const take = (choice: Choice | undefined): void => {
    dialog.current?.close();
    choice?.take();
  };
  const onKey = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0) {
      event.preventDefault();
      setAt((chosen + by + choices.length) % Math.max(1, choices.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      take(choices[chosen]);
    }
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Go to" onClose={onClose}>
      <input
        role="combobox"
        aria-label="An address, a page, a message or trace ID"
        aria-expanded="true"
        aria-controls="palette-choices"
        aria-activedescendant={choices.length > 0 ? `choice-${chosen}` : undefined}
        placeholder="An address, a page, a message or trace ID"
        value={text}
        onInput={(event) => (setText(event.currentTarget.value), setAt(0))}
        onKeyDown={onKey}
      />
      <ul id="palette-choices" role="listbox" aria-label="Places">
        {choices.map((choice, index) => (
          <li
            key={choice.text}
            id={`choice-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => take(choice)}
          >
            {choice.text} <span class="muted">{choice.note}</span>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

/** What a text may mean, the likeliest first. */
function choicesOf(text: string, types: readonly string[]): Choice[] {
  const wanted = text.toLowerCase();
  const named = pages
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .map(({ name, path, letter }) => ({ text: name, note: `g ${letter}`, take: () => go(pageHref(path)) }));
  const ofTypes = types
    .filter((type) => type.toLowerCase().includes(wanted) && wanted !== '')
    .map((type) => ({ text: `Agents of ${type}`, note: 'type', take: () => go(hrefOf(['agents'], { type })) }));
  const themes = (['light', 'dark', 'system'] as const)
    .filter((name) => wanted !== '' && `theme ${name}`.includes(wanted))
    .map((name) => ({ text: `Theme: ${name}`, note: 'look', take: () => void (theme.value = name) }));
  if (/^[^/\s]+\/.+$/s.test(text))
    return [{ text, note: 'open this agent', take: () => go(agentHref(text)) }, ...named];
  const chain = { text: `Explain ${text}`, note: 'a message or trace ID', take: () => go(hrefOf(['wakes', text])) };
  return [...named, ...ofTypes, ...themes, ...(text.length > 7 ? [chain] : [])];
}

const keys: ReadonlyArray<readonly [keys: string, meaning: string]> = [
  ['/ or Ctrl K', 'go to an agent, a page, a chain'],
  ...pages.map(({ letter, name }) => [`g ${letter}`, name] as const),
  ['j k', 'the next row, the one before'],
  ['[ ]', 'the tab before, the next one'],
  ['?', 'these keys'],
  ['Esc', 'close what is open'],
];

function Help(): JSX.Element {
  const dialog = useDialog();
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <footer>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </footer>
    </dialog>
  );
}
