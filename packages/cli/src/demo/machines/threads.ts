/**
 * What people talk in: issues, pull requests and discussions.
 */
import type { AnyStateMachine } from 'xstate';
import { thing } from '../deliveries.ts';
import { demoMachine } from './demo-machine.ts';
import { type DemoContext, type DemoEvent, type Region, drop, put } from './ledger.ts';

const label = (event: DemoEvent): unknown => thing(event, 'label')?.name;
const assignee = (event: DemoEvent): unknown => thing(event, 'assignee')?.login;
const comment = (event: DemoEvent): unknown => thing(event, 'comment')?.id;

/** Labels and comments, under the names of their events. */
function talk(subject: string, comments: string): Region {
  return {
    on: {
      [`${subject}.labeled`]: { actions: put('labels', label) },
      [`${subject}.unlabeled`]: { actions: drop('labels', label) },
      [`${subject}.assigned`]: { actions: put('assignees', assignee) },
      [`${subject}.unassigned`]: { actions: drop('assignees', assignee) },
      [`${comments}.created`]: { actions: put('comments', comment) },
      [`${comments}.deleted`]: { actions: drop('comments', comment) },
    },
  };
}

function lock(subject: string): Region {
  return {
    initial: 'unlocked',
    states: {
      unlocked: { on: { [`${subject}.locked`]: 'locked' } },
      locked: { on: { [`${subject}.unlocked`]: 'unlocked' } },
    },
  };
}

/** Somebody has looked at it: it has a label or someone who cares. */
function isTriaged({ context }: { context: DemoContext }): boolean {
  return [context.sets['labels'], context.sets['assignees']].some((names) => (names ?? []).length > 0);
}

const triage: Region = {
  initial: 'waiting',
  states: {
    waiting: { always: { guard: isTriaged, target: 'done' } },
    done: { always: { guard: (args) => !isTriaged(args), target: 'waiting' } },
  },
  on: { 'issues.closed': 'closed', 'issues.deleted': 'deleted', 'issues.transferred': 'moved' },
};

/** An issue: open until closed, deleted or moved; while it is open, waiting for triage or through with it. */
export const issueMachine: AnyStateMachine = demoMachine({
  life: {
    initial: 'open',
    on: { 'issues.opened': '.open', 'issues.reopened': '.open' },
    states: { open: triage, closed: { on: { 'issues.deleted': 'deleted' } }, deleted: {}, moved: {} },
  },
  lock: lock('issues'),
  pin: {
    initial: 'unpinned',
    states: { unpinned: { on: { 'issues.pinned': 'pinned' } }, pinned: { on: { 'issues.unpinned': 'unpinned' } } },
  },
  talk: talk('issues', 'issue_comment'),
});

/** A pull request: its life, its review, and what its commits say of its checks. */
export const pullRequestMachine: AnyStateMachine = demoMachine({
  life: {
    initial: 'open',
    states: { draft: {}, open: {}, closed: {}, merged: {} },
    on: {
      'pull_request.opened': '.open',
      'pull_request.reopened': '.open',
      'pull_request.ready_for_review': '.open',
      'pull_request.converted_to_draft': '.draft',
      'pull_request.closed': [
        { guard: ({ event }) => thing(event, 'pull_request')?.merged === true, target: '.merged' },
        { target: '.closed' },
      ],
    },
  },
  review: {
    initial: 'none',
    states: { none: {}, requested: {}, commented: {}, approved: {}, changes_requested: {}, dismissed: {} },
    on: {
      'pull_request.review_requested': '.requested',
      'pull_request.review_request_removed': '.none',
      'pull_request_review.dismissed': '.dismissed',
      'pull_request_review.submitted': ['commented', 'approved', 'changes_requested'].map((state) => ({
        guard: ({ event }) => thing(event, 'review')?.state === state,
        target: `.${state}`,
      })),
    },
  },
  checks: {
    initial: 'unknown',
    states: { unknown: {}, passed: {}, failed: {} },
    on: { checks: [{ guard: ({ event }) => event['passed'] === true, target: '.passed' }, { target: '.failed' }] },
  },
  lock: lock('pull_request'),
  talk: talk('pull_request', 'pull_request_review_comment'),
});

/** A discussion: answered or not, or moved elsewhere. */
export const discussionMachine: AnyStateMachine = demoMachine({
  life: {
    initial: 'unanswered',
    states: { unanswered: {}, answered: {}, moved: {} },
    on: {
      'discussion.answered': '.answered',
      'discussion.unanswered': '.unanswered',
      'discussion.transferred': '.moved',
    },
  },
  lock: lock('discussion'),
  talk: talk('discussion', 'discussion_comment'),
});
