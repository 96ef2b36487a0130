/** Channels by which agents answer, what operators did, and what they were told of. */
import type { AuditPage as AuditAnswer, IncidentPage } from '@wakebus/client';
import type { AuditEntry } from '@wakebus/protocol';
import type { ComponentChildren, JSX } from 'preact';
import { withQuery } from '../api/gateway.ts';
import { Empty, Page, Shown, Table } from '../parts/blocks.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Agent, Ago, Code, Lifecycle } from '../parts/words.tsx';
import { follow } from '../state/live.ts';
import { changeQuery, route } from '../state/route.ts';
import { useRead } from '../state/use-read.ts';

const NEWEST = 200;
const tabs = [
  { id: 'audit', name: 'Audit' },
  { id: 'incidents', name: 'Incidents' },
  { id: 'channels', name: 'Channels' },
] as const;

export function AuditPage(): JSX.Element {
  follow('*');
  const { tab = 'audit' } = route.value.query;
  return (
    <Page title="Channels & audit" lead="Who did what and why, what operators were told of, and the ways out.">
      <Tabs label="Of the deployment" tabs={tabs} current={tab} onChange={(next) => changeQuery({ tab: next })}>
        <Tab tab={tab} />
      </Tabs>
    </Page>
  );
}

function Tab({ tab }: { readonly tab: string }): JSX.Element {
  if (tab === 'incidents') return <Incidents />;
  return tab === 'channels' ? <Channels /> : <Audit />;
}

function Audit(): JSX.Element {
  const reading = useRead<AuditAnswer>(withQuery('audit', { last: NEWEST }));
  return (
    <Shown reading={reading}>
      {({ entries }) =>
        entries.length === 0 ? (
          <Empty command="wakebus audit list">No operator has had to do anything yet.</Empty>
        ) : (
          <div class="panel">
            <Table
              label="What operators did"
              columns={['action', 'of', 'outcome', 'by', 'reason', 'when']}
              rows={latestOf(entries).map((entry) => ({ key: entry.id, cells: auditCells(entry) }))}
            />
          </div>
        )
      }
    </Shown>
  );
}

/** Each action is written down before it is begun, and again with its outcome: the later entry says all. */
function latestOf(entries: readonly AuditEntry[]): AuditEntry[] {
  const byId = new Map<string, AuditEntry>();
  for (const entry of entries) {
    byId.delete(entry.id);
    byId.set(entry.id, entry);
  }
  return [...byId.values()].toReversed();
}

function auditCells({ action, target, outcome, by, reason, code, facts, atMs }: AuditEntry): ComponentChildren[] {
  const count = facts?.['count'];
  return [
    <b>{action}</b>,
    // What begins with a slash is an endpoint that has refused a trigger, or several.
    target.indexOf('/') > 0 ? <Agent address={target} /> : target,
    <>
      <span class={`badge ${outcome}`}>{outcome === 'asked' ? 'asked; nobody knows' : outcome}</span>{' '}
      {code !== undefined && <Code code={code} />}
      {typeof count === 'number' && count > 1 && ` × ${count}`}
    </>,
    by,
    reason ?? <span class="muted">–</span>,
    <Ago ms={atMs} />,
  ];
}

function Incidents(): JSX.Element {
  const reading = useRead<IncidentPage>(withQuery('incidents', { last: NEWEST }));
  return (
    <Shown reading={reading}>
      {({ incidents }) =>
        incidents.length === 0 ? (
          <Empty command="wakebus incidents list">None: nothing has happened that an operator must hear of.</Empty>
        ) : (
          <div class="panel">
            <Table
              label="Incidents"
              columns={['what', 'agent', 'code', 'message', 'when']}
              rows={incidents.toReversed().map(({ id, seq, kind, agent, code, message, atMs }) => ({
                key: `${seq} ${id}`,
                cells: [
                  <Lifecycle name={kind} />,
                  <Agent address={agent} />,
                  <Code code={code} />,
                  message,
                  <Ago ms={atMs} />,
                ],
              }))}
            />
          </div>
        )
      }
    </Shown>
  );
}

/** As the registry keeps them: names of variables, never what is in them. */
interface Channel {
  readonly name: string;
  readonly kind: string;
  readonly url?: string;
  readonly tokenEnv?: string;
  readonly secretEnv?: string;
  readonly map?: { readonly agent?: unknown };
  readonly addedMs: number;
}

function Channels(): JSX.Element {
  const reading = useRead<{ readonly channels: readonly Channel[] }>('channels');
  return (
    <Shown reading={reading}>
      {({ channels }) =>
        channels.length === 0 ? (
          <Empty command="wakebus channels add support --kind telegram --token-env TELEGRAM_TOKEN">
            No channel has been added. Agents answer where they are called.
          </Empty>
        ) : (
          <div class="panel">
            <Table
              label="Channels"
              columns={['channel', 'kind', 'deliveries come in at', 'token from', 'secret from', 'added']}
              rows={channels.map(({ name, kind, url, tokenEnv, secretEnv, addedMs }) => ({
                key: name,
                cells: [
                  <b>{name}</b>,
                  kind,
                  url ?? 'it only sends',
                  tokenEnv === undefined ? '–' : <code>{tokenEnv}</code>,
                  secretEnv === undefined ? '–' : <code>{secretEnv}</code>,
                  <Ago ms={addedMs} />,
                ],
              }))}
            />
          </div>
        )
      }
    </Shown>
  );
}
