/** The dialog in which an operator says why, and once more that it shall be done. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Action, type ActionField, type Filled, asked } from '../state/asking.ts';
import { ring } from '../state/live.ts';
import { counted } from '../state/words.ts';
import { Command, Problem } from './blocks.tsx';
import { Json } from './json-view.tsx';

/** Targets that are named one by one. */
const MOST_NAMED = 12;

export function ActionDialog(): JSX.Element | null {
  const action = asked.value;
  return action === undefined ? null : <Asking key={action.title + action.targets.join()} action={action} />;
}

interface Progress {
  readonly state: 'asking' | 'running' | 'done';
  readonly done: number;
  readonly failures: ReadonlyArray<{ readonly target: string; readonly error: Error }>;
  readonly answer?: unknown;
}

const ASKING: Progress = { state: 'asking', done: 0, failures: [] };

function Asking({ action }: { readonly action: Action }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [filled, setFilled] = useState<Filled>(() => initialOf(action));
  const [typed, setTyped] = useState('');
  const [progress, setProgress] = useState<Progress>(ASKING);
  useEffect(() => dialog.current?.showModal(), []);
  const change = (name: string, value: string): void => {
    const next = { ...filled, [name]: value };
    setFilled(action.onChange?.(name, next) ?? next);
  };
  const isReady = (action.typed === undefined || typed === action.typed) && whyInvalid(action, filled) === undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (progress.state === 'asking' && isReady) void runAll(action, filled, setProgress);
  };
  return (
    <dialog ref={dialog} class="asking" aria-labelledby="asking-title" onClose={end}>
      <form method="dialog" onSubmit={submit}>
        <h2 id="asking-title">{action.title}</h2>
        <p>{action.text}</p>
        <Targets targets={action.targets} />
        {(action.fields ?? []).map((field) => (
          <Field key={field.name} field={field} filled={filled} onChange={change} />
        ))}
        {action.takesReason !== false && <Field field={REASON} filled={filled} onChange={change} />}
        {action.typed !== undefined && <Typed word={action.typed} value={typed} onChange={setTyped} />}
        <Command text={action.command(filled)} />
        <Outcome action={action} progress={progress} fault={whyInvalid(action, filled)} />
        <footer>
          <button type="button" onClick={() => dialog.current?.close()}>
            {progress.state === 'done' ? 'Close' : 'Cancel'}
          </button>
          {progress.state !== 'done' && (
            <button
              type="submit"
              class={action.typed === undefined ? 'primary' : 'danger'}
              disabled={!isReady || progress.state === 'running'}
            >
              {action.button}
            </button>
          )}
        </footer>
      </form>
    </dialog>
  );
}

function end(): void {
  asked.value = undefined;
}

const REASON: ActionField = {
  name: 'reason',
  label: 'Reason',
  kind: 'text',
  hint: 'For the audit, and whoever looks later',
};

function initialOf({ fields = [] }: Action): Filled {
  return Object.fromEntries([...fields, REASON].map(({ name, initial = '' }) => [name, initial]));
}

function whyInvalid({ fields = [] }: Action, filled: Filled): string | undefined {
  for (const { name, label, kind } of fields) {
    const text = filled[name] ?? '';
    if (kind !== 'json' || text.trim() === '') continue;
    try {
      JSON.parse(text);
    } catch (error) {
      return `${label} is not JSON: ${(error as Error).message}`;
    }
  }
  return undefined;
}

async function runAll(action: Action, filled: Filled, show: (progress: Progress) => void): Promise<void> {
  let progress: Progress = { ...ASKING, state: 'running' };
  for (const target of action.targets) {
    show(progress);
    try {
      progress = { ...progress, done: progress.done + 1, answer: await action.run(target, filled) };
    } catch (error) {
      progress = { ...progress, failures: [...progress.failures, { target, error: error as Error }] };
    }
  }
  show({ ...progress, state: 'done' });
  ring();
}

function Targets({ targets }: { readonly targets: readonly string[] }): JSX.Element | null {
  if (targets.length < 2) return null;
  return (
    <ul class="targets">
      {targets.slice(0, MOST_NAMED).map((target) => (
        <li key={target}>
          <code>{target}</code>
        </li>
      ))}
      {targets.length > MOST_NAMED && <li>and {targets.length - MOST_NAMED} more</li>}
    </ul>
  );
}

interface FieldProps {
  readonly field: ActionField;
  readonly filled: Filled;
  readonly onChange: (name: string, value: string) => void;
}

function Field({ field: { name, label, kind, choices = [], hint }, filled, onChange }: FieldProps): JSX.Element {
  const id = `field-${name}`;
  const change = (event: Event): void => onChange(name, (event.currentTarget as HTMLInputElement).value);
  const common = { id, value: filled[name] ?? '', onInput: change, 'aria-describedby': `${id}-hint` };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {kind === 'choice' && (
        <select {...common}>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      )}
      {kind === 'json' && <textarea {...common} rows={5} spellcheck={false} />}
      {kind === 'text' && <input {...common} autocomplete="off" />}
      <span class="hint" id={`${id}-hint`}>
        {hint}
      </span>
    </div>
  );
}

interface TypedProps {
  readonly word: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** What destroys is done by those who can name it. */
function Typed({ word, value, onChange }: TypedProps): JSX.Element {
  return (
    <div class="field">
      <label for="field-typed">
        This cannot be undone. Type <code>{word}</code>
      </label>
      <input
        id="field-typed"
        value={value}
        autocomplete="off"
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}

interface OutcomeProps {
  readonly action: Action;
  readonly progress: Progress;
  readonly fault: string | undefined;
}

function Outcome({ action, progress: { state, done, failures, answer }, fault }: OutcomeProps): JSX.Element {
  const { targets } = action;
  return (
    <div class="outcome" role="status">
      {fault !== undefined && <p class="late">{fault}</p>}
      {state === 'running' && targets.length > 1 && <progress max={targets.length} value={done + failures.length} />}
      {state === 'running' && <p>{`${done + failures.length} of ${targets.length} …`}</p>}
      {state === 'done' && failures.length === 0 && (
        <p class="good">Done{targets.length > 1 && `: ${counted(done, 'of them', 'of them')}`}.</p>
      )}
      {state === 'done' && answer !== undefined && <Json value={answer} />}
      {failures.slice(0, MOST_NAMED).map(({ target, error }) => (
        <Problem key={target} error={targets.length > 1 ? new Error(`${target}: ${error.message}`) : error} />
      ))}
    </div>
  );
}
