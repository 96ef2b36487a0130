/** Mattermost's REST API: posts, which answer in threads only at their roots, and response URLs of slash commands. */
import { type FakeAnswer, FakeFlood, type FakeRequest, FakeService, type FakeTime } from './fake-service.ts';

type Body = Readonly<Record<string, unknown>>;

interface Post {
  readonly id: string;
  readonly channel_id: string;
  readonly message: string;
  readonly root_id: string;
  readonly props: unknown;
}

const ID = /^[a-z0-9]{26}$/;
const RESPONSE_URL_USES = 5;
const RESPONSE_URL_MS = 1_800_000;

export class FakeMattermost extends FakeService {
  readonly token = 'fakebottokenfakebottoken00';
  readonly channel = 'channel0000000000000000001';
  readonly posts = new Map<string, Post>();
  readonly responses: Body[] = [];
  readonly typing: Body[] = [];
  readonly #flood: FakeFlood;
  readonly #responseUrls = new Map<string, { readonly madeMs: number; uses: number }>();

  constructor(time?: FakeTime) {
    super(time);
    this.#flood = new FakeFlood(10, 1_000, this.time);
  }

  /** A post of a person. */
  addPost(rootId: string = ''): string {
    return this.#add({ channel_id: this.channel, message: 'hello', root_id: rootId, props: {} }).id;
  }

  responseUrl(): string {
    const path = `/hooks/commands/url${this.#responseUrls.size + 1}`;
    this.#responseUrls.set(path, { madeMs: this.time.nowMs(), uses: 0 });
    return this.url + path;
  }

  protected override answer(request: FakeRequest): FakeAnswer {
    const { path, method, headers, body = {} } = request;
    if (path.startsWith('/hooks/commands/')) return this.#respond(path, body);
    if (headers.authorization !== `Bearer ${this.token}`) return fail(401, 'api.context.session_expired.app_error');
    const waitMs = this.#flood.count('');
    if (waitMs > 0) return { status: 429, headers: { 'X-RateLimit-Reset': '1' }, body: 'limit exceeded' };
    const [, post] = /^\/api\/v4\/posts\/(\w+)$/.exec(path) ?? [];
    const [, channel] = /^\/api\/v4\/channels\/(\w+)\/posts$/.exec(path) ?? [];
    if (method === 'POST' && path === '/api/v4/posts') return this.#post(body);
    if (method === 'POST' && path === '/api/v4/users/me/typing') return this.#type(body);
    if (method !== 'GET') return fail(404, 'api.context.404.app_error');
    if (path === '/api/v4/users/me')
      return { status: 200, body: { id: 'bot00000000000000000000001', username: 'fake' } };
    if (post !== undefined) {
      const found = this.posts.get(post);
      return found === undefined ? fail(404, 'app.post.get.app_error') : { status: 200, body: found };
    }
    if (channel !== this.channel) return fail(403, 'api.context.permissions.app_error');
    return { status: 200, body: { order: [...this.posts.keys()].toReversed(), posts: Object.fromEntries(this.posts) } };
  }

  #post({ channel_id: channel, message, root_id: rootId = '', props = {} }: Body): FakeAnswer {
    if (typeof channel !== 'string' || !ID.test(channel)) return fail(400, 'api.context.invalid_body_param.app_error');
    if (channel !== this.channel) return fail(403, 'api.context.permissions.app_error');
    if (typeof message !== 'string' || message.length > 16_383) return fail(400, 'model.post.is_valid.msg.app_error');
    const root = this.posts.get(rootId as string);
    if (rootId !== '' && (root === undefined || root.root_id !== ''))
      return fail(400, 'api.post.create_post.root_id.app_error');
    return { status: 201, body: this.#add({ channel_id: channel, message, root_id: rootId as string, props }) };
  }

  #add(fields: Omit<Post, 'id'>): Post {
    const post = { ...fields, id: `post${String(this.posts.size).padStart(22, '0')}` };
    this.posts.set(post.id, post);
    return post;
  }

  #type(body: Body): FakeAnswer {
    if (body['channel_id'] !== this.channel) return fail(403, 'api.context.permissions.app_error');
    this.typing.push(body);
    return { status: 200, body: { status: 'OK' } };
  }

  #respond(path: string, body: Body): FakeAnswer {
    const url = this.#responseUrls.get(path);
    if (url === undefined || this.time.nowMs() - url.madeMs >= RESPONSE_URL_MS)
      return fail(404, 'app.command_webhook.get.missing');
    if (url.uses >= RESPONSE_URL_USES) return fail(400, 'app.command_webhook.try_use.invalid');
    if (typeof body['text'] !== 'string') return fail(400, 'web.incoming_webhook.text.app_error');
    url.uses += 1;
    this.responses.push(body);
    return { status: 200, body: { status: 'OK' } };
  }
}

function fail(status: number, id: string): FakeAnswer {
  return { status, body: { id, message: `It was refused (${id}).`, status_code: status } };
}
