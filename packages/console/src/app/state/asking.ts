/** What an operator is about to do: shown with its command, asked for a reason, and done when it is said once more. */
import { type Signal, signal } from '@preact/signals';

/** A field of an action beside its reason. */
export interface ActionField {
  readonly name: string;
  readonly label: string;
  readonly kind: 'text' | 'json' | 'choice';
  readonly choices?: readonly string[];
  readonly initial?: string;
  readonly hint?: string;
}

/** What was filled in, by the names of the fields; the reason among them. */
export type Filled = Readonly<Record<string, string>>;

/** One action, on one thing or on several. */
export interface Action {
  readonly title: string;
  /** What comes of it. */
  readonly text: string;
  /** What it is done to, one by one. */
  readonly targets: readonly string[];
  readonly fields?: readonly ActionField[];
  /** What else changes when a field does. */
  readonly onChange?: (name: string, filled: Filled) => Filled;
  /** Whether a reason is kept with it. @default true */
  readonly takesReason?: boolean;
  /** What must be typed before something is destroyed. @default nothing is */
  readonly typed?: string;
  readonly button: string;
  /** The same on the command line. */
  readonly command: (filled: Filled) => string;
  /** @returns what is to be shown of it, if anything. */
  readonly run: (target: string, filled: Filled) => Promise<unknown>;
}

export const asked: Signal<Action | undefined> = signal();

export function ask(action: Action): void {
  asked.value = action;
}
