/** Agent types: what runs, in which version, what it takes, and its statechart. */
import type { RegisteredType } from '@wakebus/protocol';
import type { JSX } from 'preact';
import { Empty, Facts, Page, Panel, Shown, Table } from '../parts/blocks.tsx';
import { Json } from '../parts/json-view.tsx';
import { Ago } from '../parts/words.tsx';
import { ask } from '../state/asking.ts';
import { follow } from '../state/live.ts';
import { hrefOf } from '../state/route.ts';
import { typeAction } from '../state/type-actions.ts';
import { useRead } from '../state/use-read.ts';
import { count } from '../state/words.ts';
import type { StoredChart } from '../statechart/chart.ts';
import { Statechart } from '../statechart/drawing.tsx';

/** `/types/:type`. */
interface ShownType extends RegisteredType {
  readonly disabled?: { readonly reason: string; readonly atMs: number };
}

export function TypesPage({ type }: { readonly type: string }): JSX.Element {
  return type === '' ? <Types /> : <OneType type={type} />;
}

function Types(): JSX.Element {
  follow('*');
  const reading = useRead<{ readonly types: readonly ShownType[] }>('types');
  return (
    <Page title="Types" lead="What placement nodes have registered, each in its newest version.">
      <Shown reading={reading}>
        {({ types }) =>
          types.length === 0 ? (
            <Empty command="wakebus dev agent.ts">
              No type has been started yet. A placement node registers its own.
            </Empty>
          ) : (
            <div class="panel">
              <Table
                label="Agent types"
                columns={['type', 'version#', 'pool', 'events#', 'schemas#', 'registered']}
                rows={types.map(({ type, version, pool, events, schemas = {}, updatedMs }) => ({
                  key: type,
                  cells: [
                    <a href={hrefOf(['types', type])}>{type}</a>,
                    count(version),
                    pool,
                    count(events.length),
                    count(Object.keys(schemas).length),
                    <Ago ms={updatedMs} />,
                  ],
                }))}
              />
            </div>
          )
        }
      </Shown>
    </Page>
  );
}

function OneType({ type }: { readonly type: string }): JSX.Element {
  follow(`${type}/*`);
  const path = `types/${encodeURIComponent(type)}`;
  const reading = useRead<ShownType>(path);
  const isDisabled = reading.value?.disabled !== undefined;
  return (
    <Page
      title={type}
      lead={<a href={hrefOf(['agents'], { type })}>its agents</a>}
      actions={
        <button type="button" onClick={() => ask(typeAction(isDisabled ? 'enable' : 'disable', type))}>
          {isDisabled ? 'enable' : 'disable'}
        </button>
      }
    >
      <Shown reading={reading}>{(found) => <Details type={found} />}</Shown>
      <Chart path={path} />
    </Page>
  );
}

function Details({
  type: { version, pool, events, schemas = {}, routes = {}, updatedMs, disabled },
}: {
  readonly type: ShownType;
}): JSX.Element {
  return (
    <div class="columns">
      <Panel title="Registered">
        {disabled !== undefined && (
          <p class="late">
            Disabled <Ago ms={disabled.atMs} />: {disabled.reason}. No agent of it runs anywhere; their messages wait.
          </p>
        )}
        <Facts
          facts={[
            ['version', String(version)],
            ['pool', pool],
            ['since', <Ago ms={updatedMs} />],
            ['paths of its own', Object.keys(routes).length > 0 ? <Json value={routes} /> : undefined],
          ]}
        />
      </Panel>
      <Panel title="Events" note={count(events.length)}>
        <ul class="events">
          {events.map((event) => (
            <li key={event}>
              <code>{event}</code>
              {schemas[event] !== undefined && <Json value={schemas[event]} level={2} />}
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}

function Chart({ path }: { readonly path: string }): JSX.Element {
  const { value, error } = useRead<StoredChart>(`${path}/chart`, true);
  return (
    <Panel title="Statechart" note={value && `version ${value.version}`}>
      {value !== undefined && <Statechart chart={value} />}
      {value === undefined && error === undefined && <p class="reading">reading …</p>}
      {error !== undefined && <Empty>None is stored: its placement node stores it at its start.</Empty>}
    </Panel>
  );
}
