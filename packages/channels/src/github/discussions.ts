/**
 * Discussions on GitHub, which only its GraphQL interface answers: a comment at the discussion, or in a comment's thread.
 *
 * A thread hangs on the comment that began it, so the answer to a reply goes where that reply hangs.
 *
 * @see https://docs.github.com/en/graphql/guides/using-the-graphql-api-for-discussions
 */
import { Busy, CannotTell, type SentMessage } from '../channel.ts';
import { fieldOf, given, optionalPlaceField, textAt, wholeAt } from '../place.ts';
import { refused } from '../service.ts';
import { markOf } from './mark.ts';

/** Asks GraphQL. @returns its `data`. */
export type AskGraphql = (query: string, variables: object) => Promise<unknown>;

export interface DiscussionPlace {
  /** Node ID of the discussion. */
  readonly id: string;
  /** Of the comment that is answered. */
  readonly commentId: string | undefined;
}

const NODE_ID = /^[A-Za-z0-9_=-]{1,200}$/;
/** Pages of comments that are looked through for one, from the newest on. */
const MOST_PAGES = 10;
/** Without a header that says more, in milliseconds: the secondary limits ask for a minute. */
const LIMITED_MS = 60_000;

const ROOT = 'query($id: ID!) { node(id: $id) { ... on DiscussionComment { replyTo { id } } } }';
const ADD =
  'mutation($input: AddDiscussionCommentInput!) { addDiscussionComment(input: $input) { comment { databaseId } } }';
const PAGE = 'last: 100, before: $before) { nodes { databaseId body } pageInfo { hasPreviousPage startCursor } }';
const LIST = `query($id: ID!, $before: String) { node(id: $id) {
  ... on Discussion { comments(${PAGE} } ... on DiscussionComment { comments: replies(${PAGE} } } }`;

/** The discussion that an address names, or nothing. @throws {WakebusError} `INVALID_OPTION`. */
export function readDiscussion(data: unknown): DiscussionPlace | undefined {
  const id = optionalPlaceField('github', data, 'discussionId', NODE_ID);
  if (id === undefined) return undefined;
  return { id, commentId: optionalPlaceField('github', data, 'discussionCommentId', NODE_ID) };
}

export async function commentDiscussion(ask: AskGraphql, place: DiscussionPlace, body: string): Promise<SentMessage> {
  const replyToId = await threadOf(ask, place);
  const input = given({ discussionId: place.id, body, replyToId });
  return sentOf(fieldOf(await ask(ADD, { input }), 'addDiscussionComment', 'comment'));
}

/** Looks for a comment of ours. @throws {@link CannotTell} when there are too many newer ones. */
export async function findInDiscussion(
  ask: AskGraphql,
  place: DiscussionPlace,
  key: string,
): Promise<SentMessage | undefined> {
  const id = (await threadOf(ask, place)) ?? place.id;
  let before: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const comments = fieldOf(await ask(LIST, given({ id, before })), 'node', 'comments');
    const nodes = fieldOf(comments, 'nodes');
    const found = (Array.isArray(nodes) ? nodes : []).find((node) => textAt(node, 'body')?.includes(markOf(key)));
    if (found !== undefined) return sentOf(found);
    before = textAt(comments, 'pageInfo', 'startCursor');
    if (fieldOf(comments, 'pageInfo', 'hasPreviousPage') !== true) return undefined;
  }
  throw new CannotTell('it is not among the last comments');
}

/** What GraphQL has answered. It says 200 also to what it refuses. @throws {Busy}; {WakebusError} `CHANNEL_REFUSED`. */
export function readGraphql(status: number, body: unknown): unknown {
  const errors = fieldOf(body, 'errors');
  if (!Array.isArray(errors) || errors.length === 0) return fieldOf(body, 'data');
  const [first] = errors as readonly unknown[];
  const why = textAt(first, 'message');
  if (textAt(first, 'type') === 'RATE_LIMITED' || why?.includes('rate limit') === true)
    throw new Busy(LIMITED_MS, true);
  throw refused('github', status, why);
}

/** The comment that begins the thread which is answered; nothing at the discussion itself. */
async function threadOf(ask: AskGraphql, { commentId }: DiscussionPlace): Promise<string | undefined> {
  if (commentId === undefined) return undefined;
  return textAt(await ask(ROOT, { id: commentId }), 'node', 'replyTo', 'id') ?? commentId;
}

function sentOf(comment: unknown): SentMessage {
  return given({ messageId: wholeAt(comment, 'databaseId')?.toString() });
}
