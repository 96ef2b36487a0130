/** Which page stands at which address. */
import type { JSX } from 'preact';
import { Shell } from './parts/shell.tsx';
import { AgentPage } from './pages/agent.tsx';
import { AgentsPage } from './pages/agents.tsx';
import { ErrorsPage } from './pages/errors.tsx';
import { AuditPage } from './pages/audit.tsx';
import { NodesPage } from './pages/nodes.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { ParkedPage } from './pages/parked.tsx';
import { TimersPage } from './pages/timers.tsx';
import { TypesPage } from './pages/types.tsx';
import { WakesPage } from './pages/wakes.tsx';
import { Empty, Page } from './parts/blocks.tsx';
import { route } from './state/route.ts';

export function App(): JSX.Element {
  return (
    <Shell>
      <CurrentPage />
    </Shell>
  );
}

function CurrentPage(): JSX.Element {
  const [page = '', first = '', second] = route.value.parts;
  switch (page) {
    case '':
      return <OverviewPage />;
    case 'agents':
      return second === undefined ? (
        <AgentsPage />
      ) : (
        <AgentPage key={`${first}/${second}`} address={`${first}/${second}`} />
      );
    case 'wakes':
      return <WakesPage target={first} />;
    case 'timers':
      return <TimersPage />;
    case 'types':
      return <TypesPage key={first} type={first} />;
    case 'nodes':
      return <NodesPage />;
    case 'audit':
      return <AuditPage />;
    case 'parked':
      return <ParkedPage />;
    case 'errors':
      return <ErrorsPage code={first} />;
    default:
      return (
        <Page title="No such page">
          <Empty>There is nothing at this address. The pages are on the left.</Empty>
        </Page>
      );
  }
}
