/**
 * Discord: the original response of an interaction is edited, which can be repeated and looked at; messages to
 * channels carry their key as an enforced nonce, which Discord remembers for a few minutes.
 *
 * @see https://docs.discord.com/developers/interactions/receiving-and-responding
 */
import {
  AddressGone,
  Busy,
  type Channel,
  type ChannelAccount,
  type ChannelMessage,
  CannotTell,
  type Secret,
  type SentMessage,
  type ShownNotice,
} from '../channel.ts';
import { type ChannelClock, Pacer, systemClock } from '../pacer.ts';
import { fieldOf, given, placeField, textAt, wholeAt } from '../place.ts';
import {
  type ServiceAnswer,
  type ServiceRequest,
  callService,
  checkText,
  readSecret,
  refused,
  waitMsOf,
} from '../service.ts';

export interface DiscordOptions {
  /** The bot's token. Interactions are answered without one; channels, where an answer comes later than that, are not. */
  readonly token?: Secret;
  /** @default "https://discord.com/api/v10" */
  readonly apiUrl?: string;
  /** @default the time of this machine */
  readonly clock?: ChannelClock;
}

const TEXT_LIMIT = 2_000;
/** Fifty requests a second. */
const ACCOUNT_GAP_MS = 20;
const NONCE_LENGTH = 25;
/** An interaction whose token is unknown is too young for so long, in milliseconds, and over afterwards: it must be acknowledged within three seconds. */
const ACKNOWLEDGED_MS = 10_000;
const ACKNOWLEDGED_SOON_MS = 500;
/** The bit of a response that still says "is thinking…". */
const LOADING = 1 << 7;
/** A little less than typing is shown. */
const TYPING_MS = 9_000;
const TOO_MANY = 429;
/** "Unknown webhook", "Unknown message" of a deferred answer, and "Invalid webhook token": the interaction is over. */
const OVER: ReadonlySet<unknown> = new Set([10_008, 10_015, 50_027]);
const USER_AGENT = 'DiscordBot (https://www.npmjs.com/package/@wakebus/channels, 0)';

const SNOWFLAKE = /^\d{15,20}$/;
const TOKEN = /^[\w.~-]{1,500}$/;

/** Nobody is called by what an agent repeats: `@everyone` stays a text. */
const NO_MENTIONS = { parse: [] };

export function discord(options: DiscordOptions = {}): Channel {
  return new DiscordChannel(options);
}

class DiscordChannel implements Channel {
  readonly kind = 'discord';
  readonly textLimit = TEXT_LIMIT;
  readonly #options: DiscordOptions;
  readonly #apiUrl: string;
  readonly #clock: ChannelClock;
  readonly #pacer: Pacer;

  constructor(options: DiscordOptions) {
    this.#options = options;
    this.#apiUrl = options.apiUrl ?? 'https://discord.com/api/v10';
    this.#clock = options.clock ?? systemClock;
    this.#pacer = new Pacer('discord', ACCOUNT_GAP_MS, this.#clock);
  }

  async send(data: unknown, message: ChannelMessage): Promise<SentMessage> {
    const content = checkText('discord', message.text, TEXT_LIMIT);
    const body = { content, allowed_mentions: NO_MENTIONS };
    if (fieldOf(data, 'token') === undefined) return this.#post(data, body, message);
    const { path, place, madeMs } = readInteraction(data);
    const request: ServiceRequest =
      fieldOf(data, 'isFollowUp') === true
        ? { method: 'POST', url: `${path}?wait=true`, body }
        : { method: 'PATCH', url: `${path}/messages/@original`, body };
    return this.#pacer.send(place, 0, message.signal, async () => {
      try {
        return sentOf((await this.#ask(place, request, message.signal)).body);
      } catch (error) {
        // An agent can be faster than the acknowledgement that Discord still waits for.
        const isEarly = this.#clock.nowMs() - madeMs < ACKNOWLEDGED_MS;
        throw error instanceof AddressGone && isEarly ? new Busy(ACKNOWLEDGED_SOON_MS, false) : error;
      }
    });
  }

  async find(data: unknown, { text, key, signal }: ChannelMessage): Promise<SentMessage | undefined> {
    if (fieldOf(data, 'token') === undefined) return this.#findNonce(data, key, signal);
    if (fieldOf(data, 'isFollowUp') === true) throw new CannotTell('Discord cannot be asked for a follow-up message');
    const { path, place } = readInteraction(data);
    try {
      const request = { method: 'GET', url: `${path}/messages/@original` } as const;
      const { status, body } = await this.#exchange(place, request, signal);
      if (status !== 200) throw new CannotTell('the interaction is over');
      const isLoading = ((wholeAt(body, 'flags') ?? 0) & LOADING) !== 0;
      return !isLoading && textAt(body, 'content') === text ? sentOf(body) : undefined;
    } catch (error) {
      if (error instanceof AddressGone) throw new CannotTell('the interaction is over');
      throw error;
    }
  }

  /** Interactions say "is thinking…" from their acknowledgement on, and the answer takes its place. */
  async notify(data: unknown, signal: AbortSignal): Promise<ShownNotice> {
    if (fieldOf(data, 'token') !== undefined) return {};
    const channelId = placeField('discord', data, 'channelId', SNOWFLAKE);
    const url = `/channels/${channelId}/typing`;
    await this.#ask(channelId, { method: 'POST', url, headers: await this.#authorization() }, signal);
    return { againMs: TYPING_MS };
  }

  async check(signal: AbortSignal): Promise<ChannelAccount> {
    const request = { method: 'GET', url: '/users/@me', headers: await this.#authorization() } as const;
    return { name: textAt((await this.#ask('', request, signal)).body, 'username') ?? 'unnamed' };
  }

  async #post(data: unknown, body: object, { key, signal }: ChannelMessage): Promise<SentMessage> {
    const channelId = placeField('discord', data, 'channelId', SNOWFLAKE);
    const nonce = await nonceOf(key);
    const url = `/channels/${channelId}/messages`;
    const request = {
      method: 'POST',
      url,
      headers: await this.#authorization(),
      body: { ...body, nonce, enforce_nonce: true },
    } as const;
    return sentOf((await this.#exchange(channelId, request, signal)).body);
  }

  /** Messages that are read may come without their nonces: only one that is there says something. */
  async #findNonce(data: unknown, key: string, signal: AbortSignal): Promise<SentMessage> {
    const channelId = placeField('discord', data, 'channelId', SNOWFLAKE);
    const nonce = await nonceOf(key);
    const url = `/channels/${channelId}/messages?limit=50`;
    const headers = await this.#authorization();
    const { body } = await this.#exchange(channelId, { method: 'GET', url, headers }, signal);
    const found = (Array.isArray(body) ? body : []).find((message) => fieldOf(message, 'nonce') === nonce);
    if (found !== undefined) return sentOf(found);
    throw new CannotTell('it is not among the last messages of the channel');
  }

  #exchange(place: string, request: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
    return this.#pacer.send(place, 0, signal, () => this.#ask(place, request, signal));
  }

  async #ask(place: string, { url, headers, ...request }: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
    const answer = await callService(
      'discord',
      { ...request, url: this.#apiUrl + url, headers: { 'User-Agent': USER_AGENT, ...headers } },
      signal,
    );
    // Said before it hurts: the next one would be refused.
    if (answer.headers.get('x-ratelimit-remaining') === '0')
      this.#pacer.hold(place, waitMsOf(answer.headers.get('x-ratelimit-reset-after')));
    return checkAnswer(answer);
  }

  async #authorization(): Promise<Readonly<Record<string, string>>> {
    return { Authorization: `Bot ${await readSecret('discord', this.#options.token ?? '')}` };
  }
}

/** @throws {Busy}, {AddressGone}; {WakebusError} `CHANNEL_REFUSED`. */
function checkAnswer(answer: ServiceAnswer): ServiceAnswer {
  const { status, headers, body } = answer;
  if (status >= 200 && status < 300) return answer;
  if (status === TOO_MANY) {
    const seconds = fieldOf(body, 'retry_after') ?? headers.get('retry-after');
    throw new Busy(waitMsOf(seconds), fieldOf(body, 'global') === true);
  }
  if (OVER.has(fieldOf(body, 'code'))) throw new AddressGone(textAt(body, 'message'));
  throw refused('discord', status, textAt(body, 'message'));
}

function sentOf(body: unknown): SentMessage {
  return given({ messageId: textAt(body, 'id') });
}

interface Interaction {
  readonly path: string;
  readonly place: string;
  readonly madeMs: number;
}

function readInteraction(data: unknown): Interaction {
  const applicationId = placeField('discord', data, 'applicationId', SNOWFLAKE);
  const token = placeField('discord', data, 'token', TOKEN);
  return { path: `/webhooks/${applicationId}/${token}`, place: token, madeMs: wholeAt(data, 'madeMs') ?? 0 };
}

/** A nonce has 25 characters at most, and a key may have more. */
async function nonceOf(key: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.slice(0, NONCE_LENGTH);
}
