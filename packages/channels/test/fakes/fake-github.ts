/** GitHub's REST API: comments at issues, in reviews' threads, and reactions. */
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

function fail(status: number, message: string): FakeAnswer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } };
}
