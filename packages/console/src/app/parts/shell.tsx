/** The frame around every page: navigation, how fresh things are, and what lies above a page. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isLockedOut, isUnreachable, lastAnswerMs, signIn, signOut, token } from '../api/gateway.ts';
import { overlay, pageHref, pages } from '../state/keys.ts';
import { type LiveState, liveState } from '../state/live.ts';
import { route } from '../state/route.ts';
import { type Theme, theme } from '../state/theme.ts';
import { ActionDialog } from './action-dialog.tsx';
import { Icon } from './icon.tsx';
import { Overlay } from './palette.tsx';

export function Shell({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const { parts } = route.value;
  const place = parts.join('/');
  // A new page is a new heading: readers who do not see it are told.
  useEffect(() => {
    document.querySelector<HTMLElement>('main')?.scrollTo(0, 0);
    document.title = `${document.querySelector('h1')?.textContent ?? 'Console'} · Wakebus`;
  }, [place]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <Navigation current={parts[0] ?? ''} />
      <main id="main" tabIndex={-1}>
        <Banner />
        {isLockedOut.value ? <SignIn /> : children}
      </main>
      <Overlay />
      <ActionDialog />
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('main')?.focus();
}

function Navigation({ current }: { readonly current: string }): JSX.Element {
  return (
    <nav class="side" aria-label="Pages">
      <a class="brand" href={pageHref('')}>
        <Icon name="bell" /> Wakebus
      </a>
      <button type="button" class="search" onClick={() => (overlay.value = 'palette')}>
        <Icon name="search" /> Go to <kbd>/</kbd>
      </button>
      <ul>
        {pages.map(({ path, name, icon, letter }) => (
          <li key={path}>
            <a href={pageHref(path)} aria-current={path === current ? 'page' : undefined} title={`g ${letter}`}>
              <Icon name={icon} /> {name}
            </a>
          </li>
        ))}
      </ul>
      <footer>
        <Freshness />
        <div class="side-tools">
          <ThemeChoice />
          <button type="button" class="quiet" onClick={() => (overlay.value = 'help')}>
            Keys <kbd>?</kbd>
          </button>
          {token.value !== '' && (
            <button type="button" class="quiet" onClick={signOut}>
              Sign out
            </button>
          )}
        </div>
      </footer>
    </nav>
  );
}

const freshness: Readonly<Record<LiveState, string>> = {
  connecting: 'connecting …',
  live: 'live',
  polling: 'every 5 s',
  hidden: 'resting',
};

function Freshness(): JSX.Element {
  const state = isUnreachable.value ? 'lost' : liveState.value;
  return (
    <span class={`freshness ${state}`} role="status">
      <i aria-hidden="true" />
      {state === 'lost' ? 'no answer' : freshness[state]}
    </span>
  );
}

const nextTheme: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

function ThemeChoice(): JSX.Element {
  return (
    <button type="button" class="quiet" onClick={() => (theme.value = nextTheme[theme.value])}>
      Theme: {theme.value}
    </button>
  );
}

/** What is shown is old, and why. */
function Banner(): JSX.Element | null {
  if (!isUnreachable.value) return null;
  return (
    <div class="banner" role="alert">
      <Icon name="alert" /> The gateway does not answer. What is shown is from{' '}
      {new Date(lastAnswerMs.value).toLocaleTimeString()}; it is asked again and again.
    </div>
  );
}

function SignIn(): JSX.Element {
  const [given, setGiven] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    signIn(given.trim());
  };
  return (
    <form class="panel sign-in" onSubmit={submit}>
      <h1>A token, please</h1>
      <p>
        This gateway asks for one{token.value === '' ? '' : ', and does not take the one it was given'}. It is kept in
        this tab only.
      </p>
      <label for="token">Token</label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        value={given}
        onInput={(e) => setGiven(e.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={given.trim() === ''}>
        Sign in
      </button>
      <p class="muted">
        <code>wakebus tokens issue '*' --verbs read,send,call,control</code> prints one.
      </p>
    </form>
  );
}
