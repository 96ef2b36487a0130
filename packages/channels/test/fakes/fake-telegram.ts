/** Telegram's Bot API: what `sendMessage` and its neighbours check, and the webhook that excludes `getUpdates`. */
import { type FakeAnswer, FakeFlood, type FakeRequest, FakeService, type FakeTime } from './fake-service.ts';

export interface TelegramMessage {
  readonly messageId: number;
  readonly chatId: number;
  readonly text: string;
  readonly threadId?: unknown;
  readonly replyTo?: unknown;
}

type Body = Readonly<Record<string, unknown>>;

export class FakeTelegram extends FakeService {
  readonly token = '123456:AAH-fake_token';
  readonly sent: TelegramMessage[] = [];
  /** What was shown while the bot worked: chat actions and drafts. */
  readonly shown: Array<{ readonly method: string; readonly chatId: number; readonly text?: unknown }> = [];
  /** Chats that the bot is in; groups have negative IDs. */
  readonly chats = new Set([77, -1001, -1002]);
  /** Groups that have become supergroups, by their old IDs. */
  readonly moved = new Map<number, number>();
  readonly messages = new Set<number>([5]);
  webhook: { readonly url: string; readonly secretToken: string } | undefined;
  /** What else was said of it; Telegram forgets it with the webhook. */
  webhookSettings: Body = {};
  /** Updates that nobody has confirmed. */
  readonly updates: Body[] = [];
  /** Updates that somebody had thrown away. */
  dropped = 0;
  #asking: ((answer: FakeAnswer) => void) | undefined;
  readonly #chatFlood: FakeFlood;
  readonly #groupFlood: FakeFlood;
  #lastId = 100;

  constructor(time?: FakeTime) {
    super(time);
    this.#chatFlood = new FakeFlood(1, 1_000, this.time);
    this.#groupFlood = new FakeFlood(20, 60_000, this.time);
  }

  protected override answer({ path, body = {} }: FakeRequest): FakeAnswer | Promise<FakeAnswer> {
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(path) ?? [];
    if (token === undefined) return fail(404, 'Not Found');
    if (token !== this.token) return fail(401, 'Unauthorized');
    switch (method) {
      case 'sendMessage':
        return this.#inChat(body, (chatId) => this.#send(chatId, body));
      case 'sendChatAction':
        if (body['action'] !== 'typing') return fail(400, 'Bad Request: wrong parameter action in request');
        return this.#inChat(body, (chatId) => this.#show(method, chatId));
      case 'sendMessageDraft':
        return this.#inChat(body, (chatId) => this.#draft(chatId, body));
      case 'getMe':
        return ok({ id: 123_456, is_bot: true, username: 'fake_bot' });
      default:
        return this.#webhooks(method, body);
    }
  }

  #webhooks(method: string, body: Body): FakeAnswer | Promise<FakeAnswer> {
    switch (method) {
      case 'setWebhook':
        return this.#setWebhook(body);
      case 'deleteWebhook':
        this.webhook = undefined;
        this.webhookSettings = {};
        this.#drop(body);
        return ok(true);
      case 'getWebhookInfo':
        return ok({
          url: this.webhook?.url ?? '',
          has_custom_certificate: false,
          pending_update_count: this.updates.length,
          ...this.webhookSettings,
        });
      case 'getUpdates':
        return this.#getUpdates(body);
      default:
        return fail(404, 'Not Found');
    }
  }

  #inChat({ chat_id: given }: Body, act: (chatId: number) => FakeAnswer): FakeAnswer {
    if (given === undefined) return fail(400, 'Bad Request: chat_id is empty');
    const chatId = Number(given);
    const movedTo = this.moved.get(chatId);
    if (movedTo !== undefined)
      return fail(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: movedTo });
    return this.chats.has(chatId) ? act(chatId) : fail(400, 'Bad Request: chat not found');
  }

  #send(chatId: number, { text, reply_parameters: reply, message_thread_id: threadId }: Body): FakeAnswer {
    if (typeof text !== 'string' || text.trim() === '') return fail(400, 'Bad Request: message text is empty');
    if (text.length > 4_096) return fail(400, 'Bad Request: message is too long');
    if (threadId !== undefined && typeof threadId !== 'number')
      return fail(400, 'Bad Request: message thread not found');
    const { message_id: replyTo, allow_sending_without_reply: isLoose } = (reply ?? {}) as Body;
    if (reply !== undefined && typeof replyTo !== 'number') return fail(400, 'Bad Request: message_id is empty');
    if (reply !== undefined && isLoose !== true && !this.messages.has(replyTo as number))
      return fail(400, 'Bad Request: message to be replied not found');
    const waitMs = Math.max(this.#chatFlood.count(`${chatId}`), chatId < 0 ? this.#groupFlood.count(`${chatId}`) : 0);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1_000);
      return fail(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
    }
    this.#lastId += 1;
    this.sent.push({
      messageId: this.#lastId,
      chatId,
      text,
      ...(threadId !== undefined && { threadId }),
      ...(replyTo !== undefined && { replyTo }),
    });
    return ok({ message_id: this.#lastId, chat: { id: chatId }, text });
  }

  #draft(chatId: number, { draft_id: draftId, text }: Body): FakeAnswer {
    if (chatId < 0) return fail(400, 'Bad Request: method is available only in private chats');
    if (!Number.isInteger(draftId) || draftId === 0) return fail(400, 'Bad Request: draft_id must be non-zero');
    return this.#show('sendMessageDraft', chatId, text);
  }

  #show(method: string, chatId: number, text?: unknown): FakeAnswer {
    this.shown.push({ method, chatId, ...(text !== undefined && { text }) });
    return ok(true);
  }

  /** Something happens at Telegram. */
  bring(update: Body): void {
    this.updates.push(update);
    this.#asking?.(ok([update]));
  }

  #setWebhook({ url, secret_token: secretToken = '', ...more }: Body): FakeAnswer {
    if (typeof url !== 'string' || !url.startsWith('https://'))
      return fail(400, 'Bad Request: bad webhook: An HTTPS URL must be provided for webhook');
    if (typeof secretToken !== 'string' || !/^[A-Za-z0-9_-]{0,256}$/.test(secretToken))
      return fail(400, 'Bad Request: secret token contains unallowed characters');
    this.webhook = { url, secretToken };
    const { drop_pending_updates: _dropped, ...settings } = more;
    this.webhookSettings = settings;
    this.#drop(more);
    this.#conflict('terminated by setWebhook request');
    return ok(true);
  }

  #drop({ drop_pending_updates: isDropping }: Body): void {
    if (isDropping === true) this.dropped += this.updates.splice(0).length;
  }

  /** One asks at a time, and each confirms what came before its offset. */
  #getUpdates({ offset, limit = 100, timeout = 0 }: Body): FakeAnswer | Promise<FakeAnswer> {
    if (this.webhook !== undefined)
      return fail(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    this.#conflict('terminated by other getUpdates request; make sure that only one bot instance is running');
    if (typeof offset === 'number') {
      const kept = this.updates.filter(({ update_id: id }) => (id as number) >= offset);
      this.updates.splice(0, this.updates.length, ...kept);
    }
    if (this.updates.length > 0 || timeout === 0) return ok(this.updates.slice(0, limit as number));
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#asking?.(ok([])), (timeout as number) * 1_000);
      this.#asking = (answer) => {
        this.#asking = undefined;
        clearTimeout(timer);
        resolve(answer);
      };
    });
  }

  #conflict(why: string): void {
    this.#asking?.(fail(409, `Conflict: ${why}`));
  }
}

function ok(result: unknown): FakeAnswer {
  return { status: 200, body: { ok: true, result } };
}

function fail(status: number, description: string, parameters?: Body): FakeAnswer {
  return { status, body: { ok: false, error_code: status, description, ...(parameters && { parameters }) } };
}
