/** Begins: the page's one entry. */
import { render } from 'preact';
import { App } from './app.tsx';
import { startKeys } from './state/keys.ts';
import { startLive } from './state/live.ts';
import { startTheme } from './state/theme.ts';

startTheme();
startKeys();
startLive();
render(<App />, document.getElementById('app') as HTMLElement);
