/** Light or dark: as the system says, unless the reader has chosen. */
import { type Signal, effect, signal } from '@preact/signals';

const KEY = 'wakebus.theme';

export type Theme = 'system' | 'light' | 'dark';

export const theme: Signal<Theme> = signal((localStorage.getItem(KEY) as Theme | null) ?? 'system');

export function startTheme(): void {
  effect(() => {
    localStorage.setItem(KEY, theme.value);
    document.documentElement.dataset['theme'] = theme.value;
  });
}
