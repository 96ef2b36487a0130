/**
 * The agent types of the demo. Both placement nodes run all of them.
 */
import { type AnyAgentDefinition, defineAgent } from '@wakebus/core';
import { discussionMachine, issueMachine, pullRequestMachine } from './machines/threads.ts';
import { summaryTo } from './machines/summary.ts';
import * as things from './machines/things.ts';

const machines = {
  issue: issueMachine,
  pull_request: pullRequestMachine,
  discussion: discussionMachine,
  commit: things.commitMachine,
  release: things.releaseMachine,
  alert: things.alertMachine,
  advisory: things.advisoryMachine,
  team: things.teamMachine,
  project_item: things.projectItemMachine,
  repository: things.repositoryMachine,
  installation: things.installationMachine,
  account: things.accountMachine,
} as const;

/** The machines put their agents to sleep themselves; this is for a wake that was none, as by a duplicate. In milliseconds. */
const SLEEP_AFTER_MS = 300;

/**
 * Every agent type, knowing its own address.
 *
 * @param githubUrl - Where summaries are posted.
 */
export function demoAgents(githubUrl: string): readonly AnyAgentDefinition[] {
  const actors = { summarize: summaryTo(githubUrl) };
  return Object.entries(machines).map(([type, machine]) =>
    defineAgent({
      type,
      machine: machine.provide({ actors }),
      input: ({ id }) => ({ address: `${type}/${id}` }),
      sleep: { afterMs: SLEEP_AFTER_MS },
    }),
  );
}
