/**
 * Slack: messages by the Web API, or at a response URL. A message carries its key in its metadata, by which it is
 * found again; what went to a response URL cannot be.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage
 */
import {
  AddressGone,
  Busy,
  CannotTell,
  type Channel,
  type ChannelAccount,
  type ChannelMessage,
  MaybeSent,
  type Secret,
  type SentMessage,
  type ShownNotice,
} from '../channel.ts';
import { type ChannelClock, Pacer, systemClock } from '../pacer.ts';
import { fieldOf, given, optionalPlaceField, placeField, textAt } from '../place.ts';
import { type ServiceAnswer, callService, checkText, readSecret, refused, waitMsOf } from '../service.ts';

export interface SlackOptions {
  /** A bot token (`xoxb-…`) with the scope `chat:write`; to be found again, messages need `channels:history` and the like, too. */
  readonly token: Secret;
  /** @default "https://slack.com/api" */
  readonly apiUrl?: string;
  /** Where response URLs lead to; no other is answered at. @default "https://hooks.slack.com" */
  readonly hooksUrl?: string;
  /** Who sees what is said at a response URL. @default "in_channel" */
  readonly responseType?: 'in_channel' | 'ephemeral';
  /** @default the time of this machine */
  readonly clock?: ChannelClock;
}

/** Longer ones are cut. */
const TEXT_LIMIT = 40_000;
/** Slack takes a message a second in a channel. */
const CHANNEL_GAP_MS = 1_000;
const METADATA = 'wakebus_answer';
const STATUS = 'is waking up…';
const NOTICE = 'Waking up…';
/** A status is shown for two minutes. */
const STATUS_MS = 110_000;
const TOO_MANY = 429;
/** Messages that are looked through for one. */
const MOST_LOOKED_THROUGH = 100;

/** Of a channel, or a user. */
const ID = /^[A-Z0-9]{2,32}$/;
const TIMESTAMP = /^\d{1,12}\.\d{1,9}$/;
const URL_TEXT = /^https?:\/\/[\x21-\x7e]{1,500}$/;
/** After these nobody knows. */
const UNKNOWN = new Set(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout']);
const LIMITED = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);

export function slack(options: SlackOptions): Channel {
  return new SlackChannel(options);
}

class SlackChannel implements Channel {
  readonly kind = 'slack';
  readonly textLimit = TEXT_LIMIT;
  readonly #options: SlackOptions;
  readonly #apiUrl: string;
  readonly #hooksUrl: string;
  readonly #pacer: Pacer;

  constructor(options: SlackOptions) {
    this.#options = options;
    this.#apiUrl = options.apiUrl ?? 'https://slack.com/api';
    this.#hooksUrl = options.hooksUrl ?? 'https://hooks.slack.com';
    this.#pacer = new Pacer('slack', 0, options.clock ?? systemClock);
  }

  send(data: unknown, message: ChannelMessage): Promise<SentMessage> {
    return fieldOf(data, 'responseUrl') === undefined ? this.#post(data, message) : this.#respond(data, message);
  }

  async #post(data: unknown, { text, key, signal }: ChannelMessage): Promise<SentMessage> {
    const channel = placeField('slack', data, 'channelId', ID);
    const body = given({
      channel,
      text: checkText('slack', text, TEXT_LIMIT),
      thread_ts: optionalPlaceField('slack', data, 'threadTs', TIMESTAMP),
      metadata: { event_type: METADATA, event_payload: { key } },
    });
    return this.#pacer.send(channel, CHANNEL_GAP_MS, signal, async () =>
      given({ messageId: textAt(await this.#call('chat.postMessage', body, signal), 'ts') }),
    );
  }

  async #respond(data: unknown, { text, signal }: ChannelMessage): Promise<SentMessage> {
    const url = placeField('slack', data, 'responseUrl', URL_TEXT);
    if (!url.startsWith(`${this.#hooksUrl}/`)) throw refused('slack', 0, 'the response URL is none of Slack’s');
    const body = given({
      response_type: this.#options.responseType ?? 'in_channel',
      text: checkText('slack', text, TEXT_LIMIT),
      thread_ts: optionalPlaceField('slack', data, 'threadTs', TIMESTAMP),
    });
    return this.#pacer.send(url, CHANNEL_GAP_MS, signal, async () => {
      const answer = await callService('slack', { method: 'POST', url, body }, signal);
      return readResponse(answer);
    });
  }

  /** A status in the thread, which goes with the answer or after two minutes; where there is none, words for the user alone. */
  async notify(data: unknown, signal: AbortSignal): Promise<ShownNotice | undefined> {
    const channel = optionalPlaceField('slack', data, 'channelId', ID);
    const thread = optionalPlaceField('slack', data, 'threadTs', TIMESTAMP);
    const user = optionalPlaceField('slack', data, 'userId', ID);
    if (channel === undefined) return undefined;
    if (thread !== undefined) {
      const setStatus = async (status: string, ends: AbortSignal): Promise<void> => {
        await this.#call('assistant.threads.setStatus', { channel_id: channel, thread_ts: thread, status }, ends);
      };
      await setStatus(STATUS, signal);
      return { againMs: STATUS_MS, clear: (ends) => setStatus('', ends) };
    }
    if (user === undefined) return undefined;
    await this.#call('chat.postEphemeral', { channel, user, text: NOTICE }, signal);
    return {};
  }

  async find(data: unknown, { key, signal }: ChannelMessage): Promise<SentMessage | undefined> {
    if (fieldOf(data, 'responseUrl') !== undefined)
      throw new CannotTell('Slack cannot be asked what has come to a response URL');
    const channel = placeField('slack', data, 'channelId', ID);
    const ts = optionalPlaceField('slack', data, 'threadTs', TIMESTAMP);
    const method = ts === undefined ? 'conversations.history' : 'conversations.replies';
    const query = given({ channel, ts, include_all_metadata: 'true', limit: String(MOST_LOOKED_THROUGH) });
    const answer = await this.#call(`${method}?${new URLSearchParams(query).toString()}`, undefined, signal);
    const messages = fieldOf(answer, 'messages');
    const found = (Array.isArray(messages) ? messages : []).find(
      (message) => textAt(message, 'metadata', 'event_payload', 'key') === key,
    );
    if (found !== undefined) return given({ messageId: textAt(found, 'ts') });
    if (fieldOf(answer, 'has_more') === true) throw new CannotTell('it is not among the last messages of the channel');
    return undefined;
  }

  async check(signal: AbortSignal): Promise<ChannelAccount> {
    const answer = await this.#call('auth.test', {}, signal);
    return { name: `${textAt(answer, 'user') ?? 'unnamed'} in ${textAt(answer, 'team') ?? 'a workspace'}` };
  }

  async #call(method: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
    const headers = { Authorization: `Bearer ${await readSecret('slack', this.#options.token)}` };
    const request = { url: `${this.#apiUrl}/${method}`, headers };
    const answer = await callService(
      'slack',
      body === undefined ? { method: 'GET', ...request } : { method: 'POST', ...request, body },
      signal,
    );
    return readAnswer(answer);
  }
}

/** @throws {Busy}, {MaybeSent}; {WakebusError} `CHANNEL_REFUSED`. */
function readAnswer({ status, headers, body }: ServiceAnswer): unknown {
  if (fieldOf(body, 'ok') === true) return body;
  const error = textAt(body, 'error') ?? '';
  if (status === TOO_MANY || LIMITED.has(error)) throw new Busy(waitMsOf(headers.get('retry-after')), false);
  if (UNKNOWN.has(error)) throw new MaybeSent(`Slack answered ${error}`);
  throw refused('slack', status, error);
}

/** @throws {Busy}, {AddressGone}; {WakebusError} `CHANNEL_REFUSED`. */
function readResponse({ status, headers, body }: ServiceAnswer): SentMessage {
  if (status >= 200 && status < 300) return {};
  if (status === TOO_MANY) throw new Busy(waitMsOf(headers.get('retry-after')), false);
  const why = typeof body === 'string' ? body : textAt(body, 'error');
  if (status === 404 || status === 410 || why === 'used_url' || why === 'expired_url') throw new AddressGone(why);
  throw refused('slack', status, why);
}
