/** Dead letters and held messages: why they stand there, what is in them, and what can be done. */
import type { ParkedDetail, ParkedPage as ParkedList, ParkedSummary } from '@wakebus/client';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { withQuery } from '../api/gateway.ts';
import { Empty, Facts, Page, Panel, Shown } from '../parts/blocks.tsx';
import { Json } from '../parts/json-view.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Agent, Ago, Code } from '../parts/words.tsx';
import { agentAction, clearHeldAction, letterAction } from '../state/agent-actions.ts';
import { ask } from '../state/asking.ts';
import { follow } from '../state/live.ts';
import { changeQuery, route } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';
import { bytes, counted } from '../state/words.ts';

/** Letters that are read at once: more than that are worked off by the command line. */
const MOST = 500;
const tabs = [
  { id: 'dead', name: 'Dead letters' },
  { id: 'held', name: 'Held' },
] as const;

export function ParkedPage(): JSX.Element {
  follow('*');
  const { tab = 'dead' } = route.value.query;
  return (
    <Page
      title="Dead letters & held"
      lead="Messages that stand outside of their mailbox. Looking at them wakes nobody."
    >
      <Tabs
        label="Where they stand"
        tabs={tabs}
        current={tab}
        onChange={(next) => changeQuery({ tab: next, id: undefined })}
      >
        {tab === 'held' ? <Held /> : <DeadLetters />}
      </Tabs>
    </Page>
  );
}

function DeadLetters(): JSX.Element {
  const reading = useRead<ParkedList>(withQuery('dead-letters', { limit: MOST }));
  const [code, setCode] = useState('');
  return (
    <Shown reading={reading}>
      {({ messages }) =>
        messages.length === 0 ? (
          <Empty command="wakebus dead list">No dead letters: nothing has been given up.</Empty>
        ) : (
          <div class="split">
            <div>
              <Codes messages={messages} code={code} onChange={setCode} />
              <Letters messages={messages.filter((each) => code === '' || each.code === code)} place="dead-letters" />
            </div>
            <Detail place="dead-letters" />
          </div>
        )
      }
    </Shown>
  );
}

interface CodesProps {
  readonly messages: readonly ParkedSummary[];
  readonly code: string;
  readonly onChange: (code: string) => void;
}

/** By error code; those of one code are replayed together. */
function Codes({ messages, code, onChange }: CodesProps): JSX.Element {
  const byCode = new Map<string, ParkedSummary[]>();
  for (const each of messages) byCode.set(each.code, [...(byCode.get(each.code) ?? []), each]);
  const chosen = (code === '' ? messages : (byCode.get(code) ?? [])).map(({ id }) => id);
  return (
    <div class="bulk" role="group" aria-label="By error code">
      {[...byCode].map(([name, { length }]) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === code}
          onClick={() => onChange(name === code ? '' : name)}
        >
          {name} {length}
        </button>
      ))}
      <span class="spacer" />
      <button type="button" onClick={() => ask(letterAction('replay', chosen))}>
        Replay all {chosen.length}
      </button>
      <button type="button" onClick={() => ask(letterAction('discard', chosen))}>
        Discard all {chosen.length}
      </button>
    </div>
  );
}

function Held(): JSX.Element {
  const reading = useRead<ParkedList>(withQuery('held', { limit: MOST }));
  return (
    <Shown reading={reading}>
      {({ messages }) =>
        messages.length === 0 ? (
          <Empty command="wakebus dead list --held">Nothing is held: every agent takes what comes for it.</Empty>
        ) : (
          <div class="split">
            <Letters messages={messages} place="held" />
            <Detail place="held" />
          </div>
        )
      }
    </Shown>
  );
}

type Place = 'dead-letters' | 'held';

function Letters({
  messages,
  place,
}: {
  readonly messages: readonly ParkedSummary[];
  readonly place: Place;
}): JSX.Element {
  const { id: chosen } = route.value.query;
  return (
    <ul class="letters" aria-label={place === 'held' ? 'Held messages' : 'Dead letters'}>
      {messages.map(({ id, address, what, event, code, atMs }) => (
        <li key={id} data-row>
          <button
            type="button"
            class="letter"
            aria-pressed={chosen === String(id)}
            onClick={() => changeQuery({ id: String(id) })}
          >
            <b>{event ?? what}</b>
            <span class="address">{address}</span>
            <span class="muted">{code}</span>
            <span class="muted">
              <Ago ms={atMs} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The message that is chosen, whole. */
function Detail({ place }: { readonly place: Place }): JSX.Element {
  const { id } = route.value.query;
  const reading = useRead<ParkedDetail>(id === undefined ? undefined : `${place}/${id}`, true);
  if (id === undefined) return <Empty>Choose one to see what is in it, and why it stands here.</Empty>;
  const isGone = reading.error !== undefined && reading.value === undefined;
  if (isGone) return <Empty>It is not here any more: it was taken, or thrown away.</Empty>;
  return <Shown reading={reading}>{(message) => <Message message={message} place={place} />}</Shown>;
}

function Message({ message, place }: { readonly message: ParkedDetail; readonly place: Place }): JSX.Element {
  const { id, address, what, event, from, code, attempts, atMs, sizeBytes, seq } = message;
  return (
    <Panel
      title={`${event ?? what} for ${address}`}
      note={`${place === 'held' ? 'held message' : 'dead letter'} ${id}`}
    >
      <p>{message.message}</p>
      <div class="actions">
        {place === 'held' ? (
          <>
            <button type="button" class="primary" onClick={() => ask(agentAction('resume', [address]))}>
              Resume {address}
            </button>
            <button type="button" onClick={() => ask(clearHeldAction(address))}>
              Discard all that waits
            </button>
          </>
        ) : (
          <>
            <button type="button" class="primary" onClick={() => ask(letterAction('replay', [id]))}>
              Replay
            </button>
            <button type="button" onClick={() => ask(letterAction('discard', [id]))}>
              Discard
            </button>
          </>
        )}
      </div>
      <Facts
        facts={[
          ['agent', <Agent address={address} />],
          ['code', <Code code={code} />],
          ['tried', attempts > 0 ? counted(attempts, 'time') : undefined],
          ['since', <Ago ms={atMs} />],
          ['from', from === undefined ? undefined : <Agent address={from} />],
          ['inbox sequence', String(seq)],
          ['size', bytes(sizeBytes)],
        ]}
      />
      <h3>Payload</h3>
      <Json value={message.payload} />
      <h3>Headers</h3>
      <Json value={message.headers} />
    </Panel>
  );
}
