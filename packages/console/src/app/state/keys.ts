/** Keys: `/` to search, `g` and a letter for a page, `j` and `k` through rows, `[` and `]` through tabs, `?` for help, Ctrl-K for commands. */
import { type Signal, signal } from '@preact/signals';
import { go, hrefOf } from './route.ts';

/** The pages, in the order of the navigation, each with its letter. */
export const pages = [
  { path: '', letter: 'o', name: 'Overview', icon: 'overview' },
  { path: 'agents', letter: 'a', name: 'Agents', icon: 'agents' },
  { path: 'wakes', letter: 'w', name: 'Wakes', icon: 'wakes' },
  { path: 'parked', letter: 'd', name: 'Dead letters & held', icon: 'parked' },
  { path: 'timers', letter: 't', name: 'Timers', icon: 'clock' },
  { path: 'types', letter: 'y', name: 'Types', icon: 'types' },
  { path: 'nodes', letter: 'n', name: 'Nodes & NATS', icon: 'nodes' },
  { path: 'audit', letter: 'c', name: 'Channels & audit', icon: 'audit' },
] as const;

/** What is open above the page. */
export const overlay: Signal<'palette' | 'help' | undefined> = signal();

/** After `g` a letter is waited for, in milliseconds. */
const LETTER_MS = 1_500;
let leadMs = -Infinity;

/** Where a page is. */
export function pageHref(path: string): string {
  return hrefOf(path === '' ? [] : [path]);
}

/** Begins to listen. */
export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      overlay.value = 'palette';
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event)) {
      if (take(event.key)) event.preventDefault();
    }
  });
}

function isTyping({ target }: KeyboardEvent): boolean {
  const isField = target instanceof HTMLElement && target.matches('input, textarea, select');
  return isField || document.querySelector('dialog[open]') !== null;
}

/** @returns whether the key means something here. */
function take(key: string): boolean {
  const isLed = performance.now() - leadMs < LETTER_MS;
  leadMs = -Infinity;
  if (isLed) return goTo(key);
  switch (key) {
    case 'g':
      leadMs = performance.now();
      return true;
    case '/':
    case '?':
      overlay.value = key === '/' ? 'palette' : 'help';
      return true;
    case 'j':
    case 'k':
      return stepRows(key === 'j' ? 1 : -1);
    case '[':
    case ']':
      return stepTabs(key === ']' ? 1 : -1);
    default:
      return false;
  }
}

function goTo(letter: string): boolean {
  const page = pages.find((each) => each.letter === letter);
  if (page !== undefined) go(pageHref(page.path));
  return page !== undefined;
}

/** Moves the focus from row to row: to the first link or button in each. */
function stepRows(by: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('main tbody tr, main .virtual-row, main [data-row]')];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  const target = next?.matches('a, button') === true ? next : next?.querySelector<HTMLElement>('a, button');
  target?.focus();
  target?.scrollIntoView({ block: 'nearest' });
  return target !== undefined && target !== null;
}

function stepTabs(by: 1 | -1): boolean {
  const tabs = [...document.querySelectorAll<HTMLElement>('main [role=tab]')];
  const at = tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
  const next = tabs[at + by];
  next?.click();
  next?.focus();
  return next !== undefined;
}
