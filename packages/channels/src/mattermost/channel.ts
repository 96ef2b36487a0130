/**
 * Mattermost: posts by its REST API, or at a response URL. A post carries its key in its props, by which it is found
 * again; what went to a response URL cannot be.
 *
 * @see https://developers.mattermost.com/api-documentation/
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
import { fieldOf, given, optionalPlaceField, placeField, textAt } from '../place.ts';
import {
  type ServiceAnswer,
  type ServiceRequest,
  callService,
  checkText,
  readSecret,
  refused,
  waitMsOf,
} from '../service.ts';

export interface MattermostOptions {
  /** The server, as `https://chat.example.com`. */
  readonly url: string;
  /** A token of a bot account, which must be a member of the channels. */
  readonly token: Secret;
  /** Who sees what is said at a response URL. @default "in_channel" */
  readonly responseType?: 'in_channel' | 'ephemeral';
  /** @default the time of this machine */
  readonly clock?: ChannelClock;
}

const TEXT_LIMIT = 16_383;
/** Ten requests a second, where a server limits them. */
const ACCOUNT_GAP_MS = 100;
/** A little less than typing is shown. */
const TYPING_MS = 4_500;
const TOO_MANY = 429;
const KEY_PROP = 'wakebus_key';
/** Posts that are looked through for one. */
const MOST_LOOKED_THROUGH = 200;
const NO_ROOT = 'api.post.create_post.root_id.app_error';

const ID = /^[a-z0-9]{26}$/;
const URL_TEXT = /^https?:\/\/[\x21-\x7e]{1,500}$/;

export function mattermost(options: MattermostOptions): Channel {
  return new MattermostChannel(options);
}

class MattermostChannel implements Channel {
  readonly kind = 'mattermost';
  readonly textLimit = TEXT_LIMIT;
  readonly #options: MattermostOptions;
  readonly #url: string;
  readonly #pacer: Pacer;

  constructor(options: MattermostOptions) {
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, '');
    this.#pacer = new Pacer('mattermost', ACCOUNT_GAP_MS, options.clock ?? systemClock);
  }

  send(data: unknown, message: ChannelMessage): Promise<SentMessage> {
    return fieldOf(data, 'responseUrl') === undefined ? this.#post(data, message) : this.#respond(data, message);
  }

  async #post(data: unknown, { text, key, signal }: ChannelMessage): Promise<SentMessage> {
    const { channelId, rootId } = readPlace(data);
    const body = {
      channel_id: channelId,
      message: checkText('mattermost', text, TEXT_LIMIT),
      props: { [KEY_PROP]: key },
    };
    return this.#pacer.send(channelId, 0, signal, async () => {
      const first = await this.#call(
        { method: 'POST', url: '/posts', body: given({ ...body, root_id: rootId }) },
        signal,
      );
      if (rootId === undefined || textAt(first.body, 'id') !== NO_ROOT) return sentOf(first);
      // An outgoing webhook names the post that rang, not the one at the top of its thread; only that takes answers.
      const ringing = checked(await this.#call({ method: 'GET', url: `/posts/${rootId}` }, signal));
      const rooted = given({ ...body, root_id: textAt(ringing, 'root_id') });
      return sentOf(await this.#call({ method: 'POST', url: '/posts', body: rooted }, signal));
    });
  }

  async #respond(data: unknown, { text, signal }: ChannelMessage): Promise<SentMessage> {
    const url = placeField('mattermost', data, 'responseUrl', URL_TEXT);
    if (!url.startsWith(`${this.#url}/hooks/commands/`))
      throw refused('mattermost', 0, 'the response URL is none of this server');
    const body = {
      response_type: this.#options.responseType ?? 'in_channel',
      text: checkText('mattermost', text, TEXT_LIMIT),
    };
    return this.#pacer.send(url, 0, signal, async () => {
      const answer = await callService('mattermost', { method: 'POST', url, body }, signal);
      // It says "bad request" when it was used five times, and "not found" when it is older than half an hour.
      if (answer.status === 400 || answer.status === 404) throw new AddressGone(textAt(answer.body, 'message'));
      checked(answer);
      return {};
    });
  }

  /** Typing, which goes by itself: a post would stay if nobody came back to change it. */
  async notify(data: unknown, signal: AbortSignal): Promise<ShownNotice | undefined> {
    if (fieldOf(data, 'responseUrl') !== undefined) return undefined;
    const { channelId, rootId } = readPlace(data);
    const body = given({ channel_id: channelId, parent_id: rootId });
    checked(await this.#call({ method: 'POST', url: '/users/me/typing', body }, signal));
    return { againMs: TYPING_MS };
  }

  async find(data: unknown, { key, signal }: ChannelMessage): Promise<SentMessage | undefined> {
    if (fieldOf(data, 'responseUrl') !== undefined)
      throw new CannotTell('Mattermost cannot be asked what has come to a response URL');
    const { channelId } = readPlace(data);
    const url = `/channels/${channelId}/posts?per_page=${MOST_LOOKED_THROUGH}`;
    const body = checked(await this.#call({ method: 'GET', url }, signal));
    const posts = Object.values(fieldOf(body, 'posts') ?? {});
    const found = posts.find((post) => textAt(post, 'props', KEY_PROP) === key);
    if (found !== undefined) return given({ messageId: textAt(found, 'id') });
    if (posts.length >= MOST_LOOKED_THROUGH) throw new CannotTell('it is not among the last posts of the channel');
    return undefined;
  }

  async check(signal: AbortSignal): Promise<ChannelAccount> {
    const me = checked(await this.#call({ method: 'GET', url: '/users/me' }, signal));
    return { name: `@${textAt(me, 'username') ?? 'unnamed'}` };
  }

  async #call({ url, ...request }: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
    const headers = { Authorization: `Bearer ${await readSecret('mattermost', this.#options.token)}` };
    return callService('mattermost', { ...request, url: `${this.#url}/api/v4${url}`, headers }, signal);
  }
}

/** @throws {Busy}; {WakebusError} `CHANNEL_REFUSED`. */
function checked({ status, headers, body }: ServiceAnswer): unknown {
  if (status >= 200 && status < 300) return body;
  // The limit is the server's, for whoever asks from here.
  if (status === TOO_MANY) throw new Busy(waitMsOf(headers.get('x-ratelimit-reset')), true);
  throw refused('mattermost', status, textAt(body, 'message') ?? textAt(body, 'id'));
}

function sentOf(answer: ServiceAnswer): SentMessage {
  return given({ messageId: textAt(checked(answer), 'id') });
}

function readPlace(data: unknown): { readonly channelId: string; readonly rootId: string | undefined } {
  return {
    channelId: placeField('mattermost', data, 'channelId', ID),
    rootId: optionalPlaceField('mattermost', data, 'rootId', ID),
  };
}
