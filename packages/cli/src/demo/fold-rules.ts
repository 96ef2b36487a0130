/**
 * What each event means to the plain fold: which value a region of the state takes, what goes into a set.
 */
import { type Payload, type Thing, thing } from './deliveries.ts';

/** The regions that an agent is born with, by its type. */
export const births: Record<string, Record<string, string>> = {
  issue: { life: 'open.waiting', lock: 'unlocked', pin: 'unpinned' },
  pull_request: { life: 'open', review: 'none', checks: 'unknown', lock: 'unlocked' },
  discussion: { life: 'unanswered', lock: 'unlocked' },
  commit: { checks: 'none', deployment: 'none' },
  release: { life: 'drafted' },
  alert: { life: 'open' },
  advisory: { life: 'published' },
  team: { life: 'active' },
  project_item: { life: 'active' },
  repository: { life: 'unknown' },
  installation: { life: 'active' },
  account: { life: 'active' },
};

/** How a check ended. */
export function ended(payload: Payload): string {
  const check = payload['check_run'] ?? payload['check_suite'] ?? payload['workflow_job'] ?? payload['workflow_run'];
  return /^(success|neutral)$/.test((check as Thing).conclusion ?? '') ? 'passed' : 'failed';
}

/** A region, and the value that it takes. */
export type Move = readonly [region: string, to: string | ((payload: Payload) => string | undefined)];

/** Events that bring a region of the state to a value, whatever it was before. */
export const moves: Record<string, Move> = {
  ...all(['issues.opened', 'issues.reopened'], ['life', 'open']),
  ...all(['pull_request.opened', 'pull_request.reopened', 'pull_request.ready_for_review'], ['life', 'open']),
  ...all(['issues.locked', 'pull_request.locked', 'discussion.locked'], ['lock', 'locked']),
  ...all(['issues.unlocked', 'pull_request.unlocked', 'discussion.unlocked'], ['lock', 'unlocked']),
  ...all(['check_run.created', 'check_run.rerequested', 'check_suite.requested'], ['checks', 'pending']),
  ...all(['check_suite.rerequested', 'workflow_run.requested', 'workflow_job.queued'], ['checks', 'pending']),
  ...all(['workflow_job.waiting', 'workflow_job.in_progress'], ['checks', 'pending']),
  ...all(['check_run.completed', 'check_suite.completed'], ['checks', ended]),
  ...all(['workflow_job.completed', 'workflow_run.completed'], ['checks', ended]),
  ...all(['release.published', 'release.released'], ['life', 'published']),
  ...all(['code_scanning_alert.created', 'code_scanning_alert.reopened'], ['life', 'open']),
  ...all(['dependabot_alert.created', 'repository_vulnerability_alert.create'], ['life', 'open']),
  ...all(['code_scanning_alert.fixed', 'dependabot_alert.fixed'], ['life', 'fixed']),
  ...all(['code_scanning_alert.closed_by_user', 'repository_vulnerability_alert.dismiss'], ['life', 'dismissed']),
  ...all(['installation.created', 'installation.unsuspend', 'projects_v2_item.created'], ['life', 'active']),
  ...all(['team.created', 'team.edited', 'projects_v2_item.restored'], ['life', 'active']),
  ...all(['issues.deleted', 'release.deleted', 'installation.deleted', 'team.deleted'], ['life', 'deleted']),
  ...all(['issues.transferred', 'discussion.transferred'], ['life', 'moved']),
  ...all(['repository.publicized', 'public'], ['life', 'public']),
  'issues.pinned': ['pin', 'pinned'],
  'issues.unpinned': ['pin', 'unpinned'],
  'pull_request.converted_to_draft': ['life', 'draft'],
  'pull_request.closed': ['life', (payload) => (thing(payload, 'pull_request')?.merged ? 'merged' : 'closed')],
  'pull_request.review_requested': ['review', 'requested'],
  'pull_request.review_request_removed': ['review', 'none'],
  'pull_request_review.submitted': ['review', (payload) => thing(payload, 'review')?.state],
  'pull_request_review.dismissed': ['review', 'dismissed'],
  'discussion.answered': ['life', 'answered'],
  'discussion.unanswered': ['life', 'unanswered'],
  status: ['checks', (payload) => (payload.state === 'success' ? 'passed' : 'failed')],
  'deployment.created': ['deployment', 'started'],
  'deployment_status.created': [
    'deployment',
    (payload) => (thing(payload, 'deployment_status')?.state === 'success' ? 'done' : 'started'),
  ],
  'release.created': ['life', 'drafted'],
  'release.prereleased': ['life', 'prereleased'],
  'security_advisory.published': ['life', 'published'],
  'security_advisory.withdrawn': ['life', 'withdrawn'],
  'projects_v2_item.archived': ['life', 'archived'],
  'installation.suspend': ['life', 'suspended'],
  'repository.privatized': ['life', 'private'],
};

/** Whether something goes into a set or out of it, which set, and where the payload names it. */
export type Change = readonly [verb: '+' | '-', set: string, field: string, name: keyof Thing];

/** Events that put something into a set, or take it out. */
export const changes: Record<string, Change> = {
  ...all(['issues.labeled', 'pull_request.labeled', 'discussion.labeled'], ['+', 'labels', 'label', 'name']),
  ...all(['issues.unlabeled', 'pull_request.unlabeled', 'discussion.unlabeled'], ['-', 'labels', 'label', 'name']),
  ...all(['issues.assigned', 'pull_request.assigned'], ['+', 'assignees', 'assignee', 'login']),
  ...all(['issues.unassigned', 'pull_request.unassigned'], ['-', 'assignees', 'assignee', 'login']),
  ...all(['issue_comment.created', 'discussion_comment.created'], ['+', 'comments', 'comment', 'id']),
  ...all(['pull_request_review_comment.created', 'commit_comment.created'], ['+', 'comments', 'comment', 'id']),
  ...all(['issue_comment.deleted', 'discussion_comment.deleted'], ['-', 'comments', 'comment', 'id']),
  'pull_request_review_comment.deleted': ['-', 'comments', 'comment', 'id'],
  'membership.added': ['+', 'members', 'member', 'login'],
  'membership.removed': ['-', 'members', 'member', 'login'],
  'team.added_to_repository': ['+', 'repositories', 'repository', 'full_name'],
  team_add: ['+', 'repositories', 'repository', 'full_name'],
  'team.removed_from_repository': ['-', 'repositories', 'repository', 'full_name'],
  'star.created': ['+', 'stars', 'sender', 'login'],
  'star.deleted': ['-', 'stars', 'sender', 'login'],
  'org_block.blocked': ['+', 'blocked', 'blocked_user', 'login'],
  'org_block.unblocked': ['-', 'blocked', 'blocked_user', 'login'],
};

function all<T>(events: readonly string[], entry: T): Record<string, T> {
  return Object.fromEntries(events.map((event) => [event, entry]));
}
