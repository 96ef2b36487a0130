/**
 * GitHub: comments at issues, pull requests and discussions. A comment carries its key in a mark that nobody sees, by which it is
 * found again.
 *
 * @see https://docs.github.com/en/rest/issues/comments
 */
import { isWakebusError } from '@wakebus/protocol';
import {
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
import { fieldOf, given, optionalPlaceField, placeField, textAt, wholeAt } from '../place.ts';
import {
  type ServiceAnswer,
  type ServiceRequest,
  callService,
  checkText,
  readSecret,
  refused,
  waitMsOf,
} from '../service.ts';
import { type AskGraphql, commentDiscussion, findInDiscussion, readDiscussion, readGraphql } from './discussions.ts';
import { markOf } from './mark.ts';

export interface GithubOptions {
  /** A token that may write issues, pull requests and discussions, as far as they are answered. That of an app's installation ends after an hour: give a function. */
  readonly token: Secret;
  /** @default "https://api.github.com" – `https://<host>/api/v3` on a server of one's own */
  readonly apiUrl?: string;
  /** @default the time of this machine */
  readonly clock?: ChannelClock;
}

/** A comment has 65,536 characters at most; the mark takes some of them. */
const TEXT_LIMIT = 65_000;
/** GitHub asks for a second between writes. */
const ACCOUNT_GAP_MS = 1_000;
const CREATED = 201;
const PAGE = 100;
/** Pages of comments that are looked through for one. */
const MOST_PAGES = 10;

const REPOSITORY = /^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/;
const NUMBER = /^\d{1,15}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

export function github(options: GithubOptions): Channel {
  return new GithubChannel(options);
}

class GithubChannel implements Channel {
  readonly kind = 'github';
  readonly textLimit = TEXT_LIMIT;
  readonly #options: GithubOptions;
  readonly #apiUrl: string;
  readonly #clock: ChannelClock;
  readonly #pacer: Pacer;

  constructor(options: GithubOptions) {
    this.#options = options;
    this.#apiUrl = (options.apiUrl ?? 'https://api.github.com').replace(/\/+$/, '');
    this.#clock = options.clock ?? systemClock;
    this.#pacer = new Pacer('github', ACCOUNT_GAP_MS, this.#clock);
  }

  async send(data: unknown, { text, key, signal }: ChannelMessage): Promise<SentMessage> {
    const body = { body: `${checkText('github', text, TEXT_LIMIT)}\n\n${markOf(key)}` };
    const discussion = readDiscussion(data);
    if (discussion !== undefined)
      return this.#pacer.send(discussion.id, 0, signal, () =>
        commentDiscussion(this.#graphql(signal), discussion, body.body),
      );
    const { comments, replies } = readPlace(data);
    return this.#pacer.send(comments, 0, signal, async () =>
      sentOf(await this.#call({ method: 'POST', url: replies ?? comments, body }, signal)),
    );
  }

  /** A pair of eyes at what was said, but in discussions. One that stood there before is not ours to take away. */
  async notify(data: unknown, signal: AbortSignal): Promise<ShownNotice | undefined> {
    if (readDiscussion(data) !== undefined) return undefined;
    const { reactions } = readPlace(data);
    const { status, body } = await this.#ask({ method: 'POST', url: reactions, body: { content: 'eyes' } }, signal);
    const id = wholeAt(body, 'id');
    if (status !== CREATED || id === undefined) return {};
    return {
      clear: async (ends) => {
        await this.#ask({ method: 'DELETE', url: `${reactions}/${id}` }, ends);
      },
    };
  }

  async find(data: unknown, { key, signal }: ChannelMessage): Promise<SentMessage | undefined> {
    const discussion = readDiscussion(data);
    if (discussion !== undefined) return findInDiscussion(this.#graphql(signal), discussion, key);
    const { comments, replies, since } = readPlace(data);
    const listed = replies === undefined ? comments : replies.replace(/\/\d+\/replies$/, '');
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const query = new URLSearchParams(given({ per_page: String(PAGE), page: String(page), since }));
      const body = await this.#call({ method: 'GET', url: `${listed}?${query.toString()}` }, signal);
      const found = (Array.isArray(body) ? body : []).find((each) => textAt(each, 'body')?.includes(markOf(key)));
      if (found !== undefined) return sentOf(found);
      if (!Array.isArray(body) || body.length < PAGE) return undefined;
    }
    throw new CannotTell('it is not among the first comments');
  }

  async check(signal: AbortSignal): Promise<ChannelAccount> {
    try {
      return { name: textAt(await this.#call({ method: 'GET', url: '/user' }, signal), 'login') ?? 'unnamed' };
    } catch (error) {
      // An app's installation is believed, and has no user.
      if (isWakebusError(error, 'CHANNEL_REFUSED') && error.facts.why.includes('by integration'))
        return { name: 'an installation of an app' };
      throw error;
    }
  }

  /** On a server of one's own it is beside the REST interface. */
  #graphql(signal: AbortSignal): AskGraphql {
    const url = `${this.#apiUrl.replace(/\/v3$/, '')}/graphql`;
    return async (query, variables) => {
      const { status, body } = await this.#askAt(url, { method: 'POST', body: { query, variables } }, signal);
      return readGraphql(status, body);
    };
  }

  async #call(request: ServiceRequest, signal: AbortSignal): Promise<unknown> {
    return (await this.#ask(request, signal)).body;
  }

  #ask({ url, ...request }: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
    return this.#askAt(this.#apiUrl + url, request, signal);
  }

  async #askAt(url: string, request: Omit<ServiceRequest, 'url'>, signal: AbortSignal): Promise<ServiceAnswer> {
    const headers = {
      Authorization: `Bearer ${await readSecret('github', this.#options.token)}`,
      Accept: 'application/vnd.github+json',
      'X-GitHub-Api-Version': '2022-11-28',
    };
    const answer = await callService('github', { ...request, url, headers }, signal);
    return checkAnswer(answer, this.#clock.nowMs());
  }
}

/** @throws {Busy}; {WakebusError} `CHANNEL_REFUSED`. */
function checkAnswer(answer: ServiceAnswer, nowMs: number): ServiceAnswer {
  const { status, headers, body } = answer;
  if (status >= 200 && status < 300) return answer;
  const retryAfter = headers.get('retry-after');
  const isUsedUp = headers.get('x-ratelimit-remaining') === '0';
  if (status === 429 || (status === 403 && (retryAfter !== null || isUsedUp))) {
    const resetMs = Number(headers.get('x-ratelimit-reset')) * 1_000 - nowMs;
    throw new Busy(retryAfter === null && isUsedUp ? Math.max(1_000, resetMs) : waitMsOf(retryAfter), true);
  }
  throw refused('github', status, textAt(body, 'message'));
}

function sentOf(body: unknown): SentMessage {
  return given({ messageId: wholeAt(body, 'id')?.toString() });
}

interface GithubPlace {
  readonly comments: string;
  /** Where a review's thread is answered. */
  readonly replies: string | undefined;
  readonly since: string | undefined;
  readonly reactions: string;
}

function readPlace(data: unknown): GithubPlace {
  const repository = placeField('github', data, 'repository', REPOSITORY);
  const issue = placeField('github', data, 'issue', NUMBER);
  const comment = optionalPlaceField('github', data, 'commentId', NUMBER);
  const isReview = fieldOf(data, 'isReview') === true && comment !== undefined;
  const saidAt = comment === undefined ? `issues/${issue}` : `${isReview ? 'pulls' : 'issues'}/comments/${comment}`;
  return {
    reactions: `/repos/${repository}/${saidAt}/reactions`,
    comments: `/repos/${repository}/issues/${issue}/comments`,
    replies: isReview ? `/repos/${repository}/pulls/${issue}/comments/${comment}/replies` : undefined,
    since: optionalPlaceField('github', data, 'since', TIME),
  };
}
