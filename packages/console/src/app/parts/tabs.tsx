/** Tabs, as the ARIA practices describe them: arrows move, the panel is named by its tab. */
import type { ComponentChildren, JSX } from 'preact';

interface TabsProps {
  readonly label: string;
  readonly tabs: ReadonlyArray<{ readonly id: string; readonly name: string }>;
  readonly current: string;
  readonly onChange: (id: string) => void;
  readonly children: ComponentChildren;
}

export function Tabs({ label, tabs, current, onChange, children }: TabsProps): JSX.Element {
  const at = tabs.findIndex(({ id }) => id === current);
  const onKey = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = tabs[at + by];
    if (by === 0 || next === undefined) return;
    onChange(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} onKeyDown={onKey}>
        {tabs.map(({ id, name }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === current}
            aria-controls="tab-panel"
            tabIndex={id === current ? 0 : -1}
            onClick={() => onChange(id)}
          >
            {name}
          </button>
        ))}
      </div>
      <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${current}`}>
        {children}
      </div>
    </>
  );
}
