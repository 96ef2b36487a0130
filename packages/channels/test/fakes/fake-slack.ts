/** Slack's Web API and its response URLs, one service here: `/api/<method>` and `/commands/…`. */
import { type FakeAnswer, FakeFlood, type FakeRequest, FakeService, type FakeTime } from './fake-service.ts';

export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly text: string;
  readonly threadTs?: string;
  readonly metadata?: unknown;
}

type Body = Readonly<Record<string, unknown>>;

const RESPONSE_URL_USES = 5;
const RESPONSE_URL_MS = 1_800_000;

export class FakeSlack extends FakeService {
  readonly token = 'xoxb-fake-token';
  readonly sent: SlackMessage[] = [];
  /** What came to response URLs. */
  readonly responses: Body[] = [];
  /** Statuses of threads, and what only one user sees. */
  readonly shown: Array<{ readonly method: string } & Body> = [];
  readonly channels = new Set(['C0ABC', 'D0ABC']);
  readonly scopes = new Set(['chat:write', 'channels:history']);
  readonly #flood: FakeFlood;
  readonly #responseUrls = new Map<string, { readonly madeMs: number; uses: number }>();

  constructor(time?: FakeTime) {
    super(time);
    this.#flood = new FakeFlood(1, 1_000, this.time);
  }

  get apiUrl(): string {
    return `${this.url}/api`;
  }

  /** A response URL, as a slash command brings one. */
  responseUrl(): string {
    const path = `/commands/T0/${this.#responseUrls.size + 1}/secret`;
    this.#responseUrls.set(path, { madeMs: this.time.nowMs(), uses: 0 });
    return this.url + path;
  }

  protected override answer(request: FakeRequest): FakeAnswer {
    const { path, method, headers, query } = request;
    if (!path.startsWith('/api/')) return this.#respond(request);
    const authorization = headers.authorization;
    if (authorization === undefined) return no('not_authed');
    if (authorization !== `Bearer ${this.token}`) return no('invalid_auth');
    const body = request.body ?? Object.fromEntries(query);
    if (method === 'POST' && !/charset=utf-8/i.test(headers['content-type'] ?? '')) return no('invalid_charset');
    switch (path.slice('/api/'.length)) {
      case 'chat.postMessage':
        return this.#post(body);
      case 'conversations.history':
      case 'conversations.replies':
        return this.#list(body);
      case 'assistant.threads.setStatus':
        return this.#setStatus(body);
      case 'chat.postEphemeral':
        if (typeof body['user'] !== 'string') return no('user_not_in_channel');
        return this.#show('chat.postEphemeral', body);
      case 'auth.test':
        return yes({ user: 'fake', user_id: 'U0BOT', team: 'Fakes', bot_id: 'B0BOT' });
      default:
        return no('unknown_method');
    }
  }

  #post({ channel, text, thread_ts: threadTs, metadata }: Body): FakeAnswer {
    if (!this.scopes.has('chat:write')) return no('missing_scope');
    if (typeof channel !== 'string' || !this.channels.has(channel)) return no('channel_not_found');
    if (typeof text !== 'string' || text === '') return no('no_text');
    if (threadTs !== undefined && (typeof threadTs !== 'string' || !/^\d+\.\d+$/.test(threadTs)))
      return no('invalid_thread_ts');
    const { event_type: type, event_payload: payload } = (metadata ?? {}) as Body;
    if (metadata !== undefined && (typeof type !== 'string' || typeof payload !== 'object'))
      return no('invalid_metadata_format');
    const waitMs = this.#flood.count(channel);
    if (waitMs > 0)
      return { ...no('ratelimited'), status: 429, headers: { 'Retry-After': `${Math.ceil(waitMs / 1_000)}` } };
    const ts = `${Math.floor(this.time.nowMs() / 1_000)}.${String(this.sent.length).padStart(6, '0')}`;
    this.sent.push({
      channel,
      ts,
      text: text.slice(0, 40_000),
      ...(threadTs !== undefined && { threadTs }),
      ...(metadata !== undefined && { metadata }),
    });
    return yes({ channel, ts });
  }

  #list({ channel, ts, include_all_metadata: withMetadata }: Body): FakeAnswer {
    if (!this.scopes.has('channels:history')) return no('missing_scope');
    if (typeof channel !== 'string' || !this.channels.has(channel)) return no('channel_not_found');
    const messages = this.sent
      .filter((message) => message.channel === channel && message.threadTs === ts)
      .map((message) => ({
        ts: message.ts,
        text: message.text,
        ...(withMetadata === 'true' && { metadata: message.metadata }),
      }));
    return yes({ messages, has_more: false });
  }

  #setStatus(body: Body): FakeAnswer {
    const { channel_id: channel, thread_ts: threadTs, status } = body;
    if (typeof channel !== 'string' || !this.channels.has(channel)) return no('channel_not_found');
    if (typeof threadTs !== 'string' || typeof status !== 'string') return no('invalid_thread_ts');
    return this.#show('assistant.threads.setStatus', body);
  }

  #show(method: string, body: Body): FakeAnswer {
    this.shown.push({ method, ...body });
    return yes({});
  }

  #respond({ path, method, body }: FakeRequest): FakeAnswer {
    const url = this.#responseUrls.get(path);
    if (method !== 'POST' || url === undefined) return { status: 404, body: 'no_such_url' };
    if (this.time.nowMs() - url.madeMs >= RESPONSE_URL_MS) return { status: 404, body: 'expired_url' };
    if (url.uses >= RESPONSE_URL_USES) return { status: 404, body: 'used_url' };
    const { text, response_type: type } = body ?? {};
    if (typeof text !== 'string' || text === '') return { status: 400, body: 'no_text' };
    if (type !== 'in_channel' && type !== 'ephemeral') return { status: 400, body: 'invalid_payload' };
    url.uses += 1;
    this.responses.push(body as Body);
    return { status: 200, body: 'ok' };
  }
}

function yes(body: Body): FakeAnswer {
  return { status: 200, body: { ok: true, ...body } };
}

function no(error: string): FakeAnswer {
  return { status: 200, body: { ok: false, error } };
}
