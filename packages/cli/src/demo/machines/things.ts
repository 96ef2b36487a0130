/**
 * What people work on: commits, releases, alerts, repositories, and those that own them.
 */
import { sendToAgent } from '@wakebus/core';
import { type AnyStateMachine, enqueueActions } from 'xstate';
import { type Thing, thing } from '../deliveries.ts';
import { demoMachine } from './demo-machine.ts';
import { type DemoEvent, type Region, drop, put } from './ledger.ts';

/** How a check ended, and `undefined` while it has not. */
function conclusionOf(event: DemoEvent): string | undefined {
  const check = ['check_run', 'check_suite', 'workflow_job', 'workflow_run'].map((field) => thing(event, field));
  return check.find((found) => found !== undefined)?.conclusion ?? undefined;
}

function hasPassed(event: DemoEvent): boolean {
  return ['success', 'neutral'].includes(conclusionOf(event) ?? '');
}

const verdict = [
  { guard: ({ event }: { event: DemoEvent }) => hasPassed(event), target: '.passed' },
  { target: '.failed' },
];

/** A commit: what its checks say, and whether it is deployed. Tells its pull requests when a suite has ended. */
export const commitMachine: AnyStateMachine = demoMachine({
  checks: {
    initial: 'none',
    states: { none: {}, pending: {}, passed: {}, failed: {} },
    on: {
      'check_run.created': '.pending',
      'check_run.rerequested': '.pending',
      'check_suite.requested': '.pending',
      'check_suite.rerequested': '.pending',
      'workflow_run.requested': '.pending',
      'workflow_job.queued': '.pending',
      'workflow_job.waiting': '.pending',
      'workflow_job.in_progress': '.pending',
      'check_run.completed': verdict,
      'check_suite.completed': verdict,
      'workflow_run.completed': verdict,
      'workflow_job.completed': verdict,
      status: [{ guard: ({ event }) => event.state === 'success', target: '.passed' }, { target: '.failed' }],
    },
  },
  deployment: {
    initial: 'none',
    states: { none: {}, started: {}, done: {} },
    on: {
      'deployment.created': '.started',
      'deployment_status.created': [
        { guard: ({ event }) => thing(event, 'deployment_status')?.state === 'success', target: '.done' },
        { target: '.started' },
      ],
    },
  },
  talk: { on: { 'commit_comment.created': { actions: put('comments', (event) => thing(event, 'comment')?.id) } } },
  pullRequests: { on: { 'check_suite.completed': { actions: tellPullRequests() } } },
});

function tellPullRequests(): ReturnType<typeof put> {
  return enqueueActions(({ enqueue, context, event }) => {
    const repository = thing(event, 'repository');
    for (const { number } of thing(event, 'check_suite')?.pull_requests ?? []) {
      const checks = { from: context.address, delivery: event.delivery, passed: hasPassed(event), repository };
      enqueue(sendToAgent(`pull_request/${repository?.full_name}#${number}`, { type: 'checks', ...checks }));
    }
  });
}

/** A machine of one region `life`, which goes by single events. */
function lifeMachine(moves: Readonly<Record<string, readonly string[]>>, sets?: Region): AnyStateMachine {
  const states = Object.keys(moves);
  const on = Object.fromEntries(
    Object.entries(moves).flatMap(([state, events]) => events.map((event) => [event, `.${state}`])),
  );
  return demoMachine({
    life: { initial: states[0], states: Object.fromEntries(states.map((state) => [state, {}])), on },
    ...(sets !== undefined && { sets }),
  });
}

export const releaseMachine: AnyStateMachine = lifeMachine({
  drafted: ['release.created'],
  prereleased: ['release.prereleased'],
  published: ['release.published', 'release.released'],
  deleted: ['release.deleted'],
});

export const alertMachine: AnyStateMachine = lifeMachine({
  open: [
    'code_scanning_alert.created',
    'code_scanning_alert.reopened',
    'dependabot_alert.created',
    'repository_vulnerability_alert.create',
  ],
  fixed: ['code_scanning_alert.fixed', 'dependabot_alert.fixed'],
  dismissed: ['code_scanning_alert.closed_by_user', 'repository_vulnerability_alert.dismiss'],
});

export const advisoryMachine: AnyStateMachine = lifeMachine({
  published: ['security_advisory.published', 'security_advisory.updated'],
  withdrawn: ['security_advisory.withdrawn'],
});

export const projectItemMachine: AnyStateMachine = lifeMachine({
  active: ['projects_v2_item.created', 'projects_v2_item.restored'],
  archived: ['projects_v2_item.archived'],
});

export const installationMachine: AnyStateMachine = lifeMachine({
  active: ['installation.created', 'installation.unsuspend'],
  suspended: ['installation.suspend'],
  deleted: ['installation.deleted'],
});

const nameIn =
  (field: string, name: keyof Thing = 'login') =>
  (event: DemoEvent): unknown =>
    thing(event, field)?.[name];

export const teamMachine: AnyStateMachine = lifeMachine(
  { active: ['team.created', 'team.edited'], deleted: ['team.deleted'] },
  {
    on: {
      'membership.added': { actions: put('members', nameIn('member')) },
      'membership.removed': { actions: drop('members', nameIn('member')) },
      'team.added_to_repository': { actions: put('repositories', nameIn('repository', 'full_name')) },
      team_add: { actions: put('repositories', nameIn('repository', 'full_name')) },
      'team.removed_from_repository': { actions: drop('repositories', nameIn('repository', 'full_name')) },
    },
  },
);

/** A repository: who sees it, who has starred it, and (in the ledger) what the other agents report. */
export const repositoryMachine: AnyStateMachine = lifeMachine(
  { unknown: [], public: ['repository.publicized', 'public'], private: ['repository.privatized'] },
  {
    on: {
      'star.created': { actions: put('stars', nameIn('sender')) },
      'star.deleted': { actions: drop('stars', nameIn('sender')) },
    },
  },
);

/** An organization or a user. */
export const accountMachine: AnyStateMachine = lifeMachine(
  { active: [] },
  {
    on: {
      'org_block.blocked': { actions: put('blocked', nameIn('blocked_user')) },
      'org_block.unblocked': { actions: drop('blocked', nameIn('blocked_user')) },
    },
  },
);
