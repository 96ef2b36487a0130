/** Small pieces of text that many pages show: lifecycles, times, addresses. */
import type { JSX } from 'preact';
import { nowMs } from '../state/now.ts';
import { agentHref, hrefOf } from '../state/route.ts';
import { ago, due, duration } from '../state/words.ts';
import { Icon, isIconName } from './icon.tsx';

/** A lifecycle: a picture and a word. */
export function Lifecycle({ name }: { readonly name: string }): JSX.Element {
  return (
    <span class={`badge lifecycle ${name}`}>
      {isIconName(name) && <Icon name={name} />}
      {name}
    </span>
  );
}

/** How long ago; the time itself on hovering. */
export function Ago({ ms }: { readonly ms: number }): JSX.Element {
  if (ms === 0) return <span class="muted">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString()}>
      {ago(ms, nowMs.value)}
    </time>
  );
}

/** For how long. */
export function For({ ms }: { readonly ms: number }): JSX.Element {
  return (
    <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString()}>
      {duration(Math.max(0, nowMs.value - ms))}
    </time>
  );
}

/** When something is due. */
export function Due({ ms }: { readonly ms: number }): JSX.Element {
  const isLate = ms < nowMs.value - 1_000;
  return (
    <time class={isLate ? 'late' : ''} dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString()}>
      {due(ms, nowMs.value)}
    </time>
  );
}

/** A link to an agent. Of a type's own agent there is nothing to open. */
export function Agent({ address }: { readonly address: string }): JSX.Element {
  return (
    <a class="address" href={agentHref(address)}>
      {address}
    </a>
  );
}

/** An error code, with what it means a click away. */
export function Code({ code }: { readonly code: string }): JSX.Element {
  return (
    <a class="code" href={hrefOf(['errors', code])}>
      {code}
    </a>
  );
}
