/** Where GitHub is answered: by a comment at the issue, pull request or discussion, in a thread where there is one. */
import { GITHUB_MARK } from './mark.ts';
import { fieldOf, given, textAt, wholeAt } from '../place.ts';
import type { DeliveryFacts, FoundAddress } from '../reply-address.ts';

export function githubAddress({ body, header }: DeliveryFacts): FoundAddress | undefined {
  const repository = textAt(body, 'repository', 'full_name');
  const issue = wholeAt(body, 'issue', 'number') ?? wholeAt(body, 'pull_request', 'number');
  if (repository === undefined || isByBot(body)) return undefined;
  if (issue === undefined) return discussionAddress(repository, body);
  const comment = fieldOf(body, 'comment');
  const commentId = wholeAt(comment, 'id');
  const isReview = header('x-github-event') === 'pull_request_review_comment';
  const data = given({
    repository,
    issue,
    commentId,
    isReview: isReview && commentId !== undefined ? true : undefined,
    since:
      textAt(comment, 'updated_at') ??
      textAt(body, 'issue', 'updated_at') ??
      textAt(body, 'pull_request', 'updated_at'),
  });
  return { kind: 'github', data };
}

/** Only the other interface answers there, and it goes by other IDs. */
function discussionAddress(repository: string, body: unknown): FoundAddress | undefined {
  const discussionId = textAt(body, 'discussion', 'node_id');
  if (discussionId === undefined) return undefined;
  const data = given({ repository, discussionId, discussionCommentId: textAt(body, 'comment', 'node_id') });
  return { kind: 'github', data };
}

/** Apps are known as bots; a person's account that sends for us, by what our comments carry. */
function isByBot(body: unknown): boolean {
  if (textAt(body, 'sender', 'type') === 'Bot') return true;
  return textAt(body, 'comment', 'body')?.includes(GITHUB_MARK) === true;
}
