/** Small pictures beside words, never in place of them. */
import type { JSX } from 'preact';

const paths = {
  asleep: 'M10.5 2.5a5.5 5.5 0 1 0 3 8 4.6 4.6 0 0 1-3-8Z',
  awake:
    'M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3',
  paused: 'M5.5 3.5v9M10.5 3.5v9',
  backoff: 'M13 8a5 5 0 1 1-1.6-3.7M13 1.8v3h-3',
  failed: 'm4 4 8 8M12 4l-8 8',
  suspended: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11ZM6.5 6v4M9.5 6v4',
  completed: 'm3 8.5 3.2 3.2L13 4.8',
  quarantined: 'M8 2.5 14 13H2L8 2.5ZM8 6.5v3M8 11.2v.3',
  removed: 'M3 8h10',
  search: 'M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM10 10l3.5 3.5',
  bell: 'M8 2.5a3.5 3.5 0 0 0-3.5 3.5v2.5L3.2 11h9.6l-1.3-2.5V6A3.5 3.5 0 0 0 8 2.5ZM6.6 13a1.5 1.5 0 0 0 2.8 0',
  clock: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11ZM8 5v3l2 1.5',
  message: 'M2.5 3.5h11v7h-6L4.5 13v-2.5h-2v-7Z',
  effect: 'M9 1.5 3.5 9H8l-1 5.5L12.5 7H8l1-5.5Z',
  outside: 'M2.5 8H11M8 4.5 11.5 8 8 11.5M13.5 3v10',
  operator: 'M8 2.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM3 13.5c.5-3 2.5-4.5 5-4.5s4.500 1.500 5 4.500',
  overview: 'M2.500 2.500h4.500v4.500H2.500zM9 2.500h4.500v4.500H9zM2.500 9h4.500v4.500H2.500zM9 9h4.500v4.500H9z',
  agents: 'M8 2a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5ZM3 14v-1a5 5 0 0 1 10 0v1',
  wakes:
    'M4 2.500a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3ZM12 6.500a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3ZM7 11a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3ZM5.300 4.700l5.300 2.600M11 9.300 8.200 11.600',
  parked: 'M2.500 4h11v8.500h-11zM2.500 4.500 8 9l5.500-4.500',
  types: 'M8 1.500 14 5v6l-6 3.500L2 11V5l6-3.500ZM2 5l6 3.500L14 5M8 8.500v6',
  nodes: 'M2.500 3h11v4h-11zM2.500 9h11v4h-11zM5 5h.1M5 11h.1',
  audit: 'M4 1.500h6L13 4.500v10H4zM6 7h5M6 9.500h5M6 12h3',
  alert: 'M8 2.500 14 13H2L8 2.500ZM8 6.500v3M8 11.200v.300',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

export function isIconName(name: string): name is IconName {
  return Object.hasOwn(paths, name);
}
