/** GitHub's REST API: comments at issues, in reviews' threads, and reactions; of GraphQL what discussions need. */
import { type FakeAnswer, FakeFlood, type FakeRequest, FakeService, type FakeTime } from './fake-service.ts';

type Body = Readonly<Record<string, unknown>>;

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly at: string;
  readonly updated_at: string;
}

export class FakeGithub extends FakeService {
  readonly token = 'ghs_fake';
  readonly repository = 'ada/engine';
  readonly issues = new Set(['7', '8']);
  readonly comments: Comment[] = [];
  /** Discussions, and comments of them that begin a thread or hang in one, by their node IDs. */
  readonly discussions = new Map<string, { readonly discussion: string; readonly replyTo?: string }>([
    ['D_one', { discussion: 'D_one' }],
    ['DC_root', { discussion: 'D_one' }],
    ['DC_reply', { discussion: 'D_one', replyTo: 'DC_root' }],
  ]);
  /** Reactions that stand, by their IDs. */
  readonly reactions = new Map<number, { readonly at: string; readonly content: string }>();
  readonly #flood: FakeFlood;
  #lastId = 1_000;

  constructor(time?: FakeTime) {
    super(time);
    this.#flood = new FakeFlood(80, 60_000, this.time);
  }

  protected override answer(request: FakeRequest): FakeAnswer {
    const { path, headers, method } = request;
    if (!headers['user-agent']) return fail(403, 'Request forbidden by administrative rules.');
    if (headers.authorization !== `Bearer ${this.token}`) return fail(401, 'Bad credentials');
    if (path === '/user') return { status: 200, body: { login: 'fake', type: 'User' } };
    if (path === '/graphql') return this.#graphql(request.body ?? {});
    const prefix = `/repos/${this.repository}`;
    if (!path.startsWith(`${prefix}/`)) return fail(404, 'Not Found');
    const place = path.slice(prefix.length);
    if (/\/reactions(?:\/\d+)?$/.test(place)) return this.#react(place, request);
    const [, issue = '', reply] =
      /^\/issues\/(\d+)\/comments$/.exec(place) ?? /^\/pulls\/(\d+)\/comments(?:\/(\d+)\/replies)?$/.exec(place) ?? [];
    if (!this.issues.has(issue)) return fail(404, 'Not Found');
    const at = reply === undefined ? place : place.replace(/\/\d+\/replies$/, '');
    return method === 'GET' ? this.#list(at, request.query) : this.#comment(at, request.body ?? {});
  }

  #comment(at: string, { body }: Body): FakeAnswer {
    if (typeof body !== 'string' || body === '') return fail(422, 'Validation Failed');
    if (body.length > 65_536) return fail(422, 'Validation Failed: body is too long (maximum is 65536 characters)');
    if (this.#flood.count('') > 0)
      return { ...fail(403, 'You have exceeded a secondary rate limit'), headers: { 'Retry-After': '30' } };
    const comment = { id: this.#next(), body, at, updated_at: new Date(this.time.nowMs()).toISOString() };
    this.comments.push(comment);
    return { status: 201, body: comment };
  }

  #graphql({ query, variables }: Body): FakeAnswer {
    const { input, id, before } = (variables ?? {}) as Body;
    if (typeof query !== 'string') return data({}, 'A query attribute must be specified and must be a string.');
    if (query.includes('addDiscussionComment')) return this.#discuss((input ?? {}) as Body);
    const node = this.discussions.get(String(id));
    if (node === undefined)
      return data({ node: null }, `Could not resolve to a node with the global id of '${String(id)}'`);
    if (query.includes('replyTo'))
      return data({ node: node.replyTo === undefined ? { replyTo: null } : { replyTo: { id: node.replyTo } } });
    const all = this.comments.filter(({ at }) => at === String(id));
    const end = typeof before === 'string' ? Number(before) : all.length;
    const start = Math.max(0, end - 100);
    const nodes = all.slice(start, end).map((comment) => ({ databaseId: comment.id, body: comment.body }));
    const pageInfo = { hasPreviousPage: start > 0, startCursor: nodes.length > 0 ? String(start) : null };
    return data({ node: { comments: { nodes, pageInfo } } });
  }

  #discuss({ discussionId, replyToId, body }: Body): FakeAnswer {
    const at = String(replyToId ?? discussionId);
    const node = this.discussions.get(at);
    if (node?.discussion !== discussionId) return data({ addDiscussionComment: null }, 'Could not resolve to a node');
    if (node?.replyTo !== undefined)
      return data({ addDiscussionComment: null }, 'Parent comment is already in a thread, cannot reply to it');
    const made = this.#comment(at, { body });
    if (made.status !== 201) return made;
    return data({ addDiscussionComment: { comment: { databaseId: (made.body as Comment).id } } });
  }

  #list(at: string, query: URLSearchParams): FakeAnswer {
    const since = query.get('since') ?? '';
    const [size, page] = [Number(query.get('per_page') ?? 30), Number(query.get('page') ?? 1)];
    const all = this.comments.filter((comment) => comment.at === at && comment.updated_at >= since);
    return { status: 200, body: all.slice((page - 1) * size, page * size) };
  }

  #react(place: string, { method, body }: FakeRequest): FakeAnswer {
    const [, at = '', id] = /^(.*)\/reactions(?:\/(\d+))?$/.exec(place) ?? [];
    if (method === 'DELETE') return this.reactions.delete(Number(id)) ? { status: 204 } : fail(404, 'Not Found');
    const content = body?.['content'];
    if (typeof content !== 'string' || !['eyes', 'rocket', '+1'].includes(content))
      return fail(422, 'Validation Failed');
    const known = [...this.reactions].find(([, reaction]) => reaction.at === at && reaction.content === content);
    if (known !== undefined) return { status: 200, body: { id: known[0], content } };
    const made = this.#next();
    this.reactions.set(made, { at, content });
    return { status: 201, body: { id: made, content } };
  }

  #next(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}

/** GraphQL says 200 to whatever it understands. */
function data(value: Body, error?: string): FakeAnswer {
  const errors = error === undefined ? {} : { errors: [{ type: 'NOT_FOUND', message: error }] };
  return { status: 200, body: { data: value, ...errors } };
}

function fail(status: number, message: string): FakeAnswer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } };
}
