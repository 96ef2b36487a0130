/** All that the gateway tells of an agent, as it tells it. */
import type { AgentInspection } from '@wakebus/client';
import type { JSX } from 'preact';
import { Panel } from '../parts/blocks.tsx';

export function RawTab({ agent }: { readonly agent: AgentInspection }): JSX.Element {
  return (
    <Panel title="Raw" note={`revision ${agent.revision}`}>
      <pre class="raw" tabIndex={0}>
        {JSON.stringify(agent, null, 2)}
      </pre>
    </Panel>
  );
}
