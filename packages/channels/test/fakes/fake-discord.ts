/** Discord's REST API: interactions by their tokens for a quarter of an hour, and channels with enforced nonces. */
import { type FakeAnswer, FakeFlood, type FakeRequest, FakeService, type FakeTime } from './fake-service.ts';

type Body = Readonly<Record<string, unknown>>;

interface Interaction {
  readonly madeMs: number;
  isAcknowledged: boolean;
  /** The original response: `undefined` while it is "thinking…". */
  content: string | undefined;
}

const TOKEN_MS = 900_000;
const LOADING = 128;
const EPOCH_MS = 1_420_070_400_000;

export class FakeDiscord extends FakeService {
  readonly token = 'fake.bot.token';
  readonly applicationId = '100000000000000001';
  readonly channels = new Set(['200000000000000001']);
  readonly interactions = new Map<string, Interaction>();
  readonly sent: Array<{ readonly channel: string; readonly id: string; readonly content: string; nonce?: unknown }> =
    [];
  readonly followUps: string[] = [];
  readonly #flood: FakeFlood;

  constructor(time?: FakeTime) {
    super(time);
    this.#flood = new FakeFlood(5, 5_000, this.time);
  }

  get apiUrl(): string {
    return `${this.url}/api/v10`;
  }

  /** A delivery of a command; the service takes answers once it is acknowledged. */
  interaction(type: number = 2, isAcknowledged: boolean = true): Body & { readonly token: string } {
    const token = `interaction-token-${this.interactions.size + 1}`;
    const madeMs = this.time.nowMs();
    this.interactions.set(token, { madeMs, isAcknowledged, content: undefined });
    const id = (BigInt(madeMs - EPOCH_MS) << 22n).toString();
    return { id, type, token, application_id: this.applicationId, channel_id: [...this.channels][0] };
  }

  protected override answer(request: FakeRequest): FakeAnswer {
    const { path, headers } = request;
    if (!/^DiscordBot \(\S+, \S+\)/.test(headers['user-agent'] ?? ''))
      return fail(403, 40_333, 'internal network error');
    const [, application, token = '', rest = ''] = /^\/api\/v10\/webhooks\/(\d+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    if (application !== undefined) return this.#interact(request, application, token, rest);
    if (headers.authorization !== `Bot ${this.token}`) return fail(401, 0, '401: Unauthorized');
    if (path === '/api/v10/users/@me') return { status: 200, body: { id: this.applicationId, username: 'fake' } };
    const [, channel] = /^\/api\/v10\/channels\/(\d+)\/messages$/.exec(path) ?? [];
    if (channel === undefined) return fail(404, 0, '404: Not Found');
    if (!this.channels.has(channel)) return fail(404, 10_003, 'Unknown Channel');
    return request.method === 'GET' ? this.#list(channel) : this.#post(channel, request.body ?? {});
  }

  #interact({ method, body = {}, query }: FakeRequest, application: string, token: string, rest: string): FakeAnswer {
    const interaction = this.interactions.get(token);
    if (application !== this.applicationId || interaction === undefined || !interaction.isAcknowledged)
      return fail(404, 10_015, 'Unknown Webhook');
    if (this.time.nowMs() - interaction.madeMs >= TOKEN_MS) return fail(401, 50_027, 'Invalid Webhook Token');
    if (method === 'GET' && rest === '/messages/@original') return { status: 200, body: originalOf(interaction) };
    const fault = faultOf(body);
    if (fault !== undefined) return fault;
    const content = body['content'] as string;
    if (method === 'PATCH' && rest === '/messages/@original') {
      interaction.content = content;
      return { status: 200, body: originalOf(interaction) };
    }
    if (method !== 'POST' || rest !== '') return fail(404, 0, '404: Not Found');
    this.followUps.push(content);
    return query.get('wait') === 'true'
      ? { status: 200, body: { id: '300000000000000002', content } }
      : { status: 204 };
  }

  #post(channel: string, body: Body): FakeAnswer {
    const { nonce, enforce_nonce: isEnforced } = body;
    const fault = faultOf(body);
    if (fault !== undefined) return fault;
    if (nonce !== undefined && (typeof nonce !== 'string' || nonce.length > 25)) return invalid('nonce');
    const known = isEnforced === true ? this.sent.find((message) => message.nonce === nonce) : undefined;
    if (known !== undefined) return { status: 200, body: known };
    const waitMs = this.#flood.count(channel);
    if (waitMs > 0) {
      const limited = { message: 'You are being rate limited.', retry_after: waitMs / 1_000, global: false };
      return { status: 429, headers: { 'Retry-After': `${Math.ceil(waitMs / 1_000)}` }, body: limited };
    }
    const message = { channel, id: `${400_000_000_000_000_000n + BigInt(this.sent.length)}`, nonce };
    this.sent.push({ ...message, content: body['content'] as string });
    const { count, resetMs } = this.#flood.left(channel);
    const headers = { 'X-RateLimit-Remaining': `${count}`, 'X-RateLimit-Reset-After': `${resetMs / 1_000}` };
    return { status: 200, headers, body: message };
  }

  #list(channel: string): FakeAnswer {
    return { status: 200, body: this.sent.filter((message) => message.channel === channel).toReversed() };
  }
}

function originalOf({ content = '' }: Interaction): Body {
  return { id: '300000000000000001', content, flags: content === '' ? LOADING : 0 };
}

function faultOf({ content, allowed_mentions: mentions }: Body): FakeAnswer | undefined {
  if (typeof content !== 'string' || content.trim() === '') return fail(400, 50_006, 'Cannot send an empty message');
  if (content.length > 2_000) return invalid('content');
  // Not Discord's: what an agent repeats must not call everyone.
  return mentions === undefined ? invalid('allowed_mentions') : undefined;
}

function invalid(field: string): FakeAnswer {
  return { status: 400, body: { code: 50_035, message: 'Invalid Form Body', errors: { [field]: {} } } };
}

function fail(status: number, code: number, message: string): FakeAnswer {
  return { status, body: { message, code } };
}
