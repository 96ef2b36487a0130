/**
 * A bot on Telegram whose updates are fetched, as a source: for machines that Telegram cannot reach.
 *
 * A bot has a webhook or is asked, never both. So the bot's own webhook is taken away meanwhile and given back at the
 * end; somebody else's stays, and nothing is fetched. An update is forgotten at Telegram only once it is stored. One of
 * all processes asks, by turns that are kept in the source's state: that saves quarrels, and no event depends on it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BotSettings,
  type TelegramUpdate,
  type TelegramWebhookSettings,
  readTelegramUpdates,
  readTelegramWebhook,
  removeTelegramWebhook,
  setTelegramWebhook,
} from '@wakebus/channels';
import { WakebusError, isWakebusError } from '@wakebus/protocol';
import { type Source, type SourceSink, type SourceState, defineSource } from '@wakebus/sources';

export interface PolledBot {
  readonly name: string;
  readonly bot: BotSettings;
  /** Its webhook while nobody asks. @default none */
  readonly home?: { readonly url: string; readonly secret: string };
  /** Resolves when the update is stored. */
  readonly deliver: (update: TelegramUpdate) => Promise<void>;
}

/** Whose turn it is, as long as it says so. */
interface Turn {
  readonly holder: string;
  readonly untilMs: number;
  /** How the webhook was set that was taken away. */
  readonly settings?: TelegramWebhookSettings;
}

const TURN = 'turn';
/** A process that has died keeps its turn for so long, in milliseconds. */
const TURN_MS = 15_000;
/** Between looks whether another still has it, in milliseconds. */
const LOOK_MS = 2_000;
/** Telegram answers after so long at the latest, in seconds: well within a turn. */
const WAIT_SECONDS = 5;
/** Giving back may take so long, in milliseconds: somebody waits for the process to end. */
const GIVE_BACK_MS = 5_000;

export class TelegramPoll {
  readonly source: Source;
  readonly #polled: PolledBot;
  readonly #holder = randomUUID();
  #state: SourceState | undefined;
  /** The turn as it was last written. */
  #turn: { readonly value: Turn; readonly revision: number } | undefined;
  /** All before it are stored, and Telegram has not been told. */
  #from: number | undefined;
  #taken = 0;

  constructor(polled: PolledBot) {
    this.#polled = polled;
    this.source = defineSource({
      name: polled.name,
      start: (sink, signal) => this.#run(sink, signal),
      health: () => ({ asks: this.#turn !== undefined, taken: this.#taken }),
    });
  }

  /**
   * Gives the webhook and the turn back, if it had them. Call it when the source has stopped.
   *
   * @param isGone - The channel is, and its webhook is ended with it.
   * @throws {WakebusError} as {@link setTelegramWebhook}.
   */
  async giveBack(isGone: boolean): Promise<void> {
    const { bot, home } = this.#polled;
    if (this.#turn === undefined || !(await this.#keepTurn())) return;
    const signal = AbortSignal.timeout(GIVE_BACK_MS);
    const { value, revision } = this.#turn;
    // Somebody else's stays.
    if ((await readTelegramWebhook(bot, signal)).url === '') {
      if (this.#from !== undefined) await readTelegramUpdates(bot, { from: this.#from }, signal);
      if (home !== undefined && !isGone) await setTelegramWebhook(bot, home.url, home.secret, signal, value.settings);
    }
    await this.#state?.put(TURN, undefined, revision);
  }

  async #run(sink: SourceSink, signal: AbortSignal): Promise<void> {
    this.#state = sink.state;
    sink.ready();
    while (!signal.aborted && !(await this.#keepTurn())) await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    await this.#takeWebhook(signal);
    while (!signal.aborted && (await this.#keepTurn())) await this.#ask(sink, signal);
    if (!signal.aborted)
      throw new WakebusError('SOURCE_FAILED', { source: sink.name, why: 'another process asks now' });
  }

  /** @returns whether it is ours now. */
  async #keepTurn(settings?: TelegramWebhookSettings): Promise<boolean> {
    const state = this.#state as SourceState;
    const { value: found, revision } = await state.get<Turn>(TURN);
    if (found !== undefined && found.holder !== this.#holder && found.untilMs > Date.now()) {
      this.#turn = undefined;
      return false;
    }
    // Whoever had it meanwhile has told Telegram, and numbers may have been drawn anew since.
    if (found?.holder !== this.#holder) this.#from = undefined;
    const known = settings ?? found?.settings;
    const value = { holder: this.#holder, untilMs: Date.now() + TURN_MS, ...(known && { settings: known }) };
    const written = await state.put(TURN, value, revision);
    this.#turn = written === undefined ? undefined : { value, revision: written };
    return written !== undefined;
  }

  /** @throws {WakebusError} `SOURCE_MISCONFIGURED` when the bot has a webhook that is not its own here. */
  async #takeWebhook(signal: AbortSignal): Promise<void> {
    const { name, bot, home } = this.#polled;
    const { url, hasCertificate, settings } = await readTelegramWebhook(bot, signal);
    if (url === '') return;
    const needed = home === undefined ? 'none, or the URL that the channel was added with' : `none, or ${home.url}`;
    const what = 'the webhook of its bot';
    if (url !== home?.url) throw new WakebusError('SOURCE_MISCONFIGURED', { source: name, what, actual: url, needed });
    if (hasCertificate) {
      const actual = 'one with a certificate, which could not be given back';
      throw new WakebusError('SOURCE_MISCONFIGURED', { source: name, what, actual, needed: 'one without' });
    }
    // Written before it is taken away: also who comes after a crash can give it back as it was.
    if (await this.#keepTurn(settings)) await removeTelegramWebhook(bot, signal);
  }

  async #ask(sink: SourceSink, signal: AbortSignal): Promise<void> {
    const from = this.#from;
    const query = { waitSeconds: WAIT_SECONDS, ...(from !== undefined && { from }) };
    const updates = await readTelegramUpdates(this.#polled.bot, query, signal).catch((error: unknown) => {
      if (signal.aborted) return [];
      throw error;
    });
    // Told once: after a quiet week numbers are drawn anew, and lower ones must not count as taken.
    if (!signal.aborted) this.#from = undefined;
    for (const update of updates) {
      if (signal.aborted) return;
      await this.#take(sink, update);
      this.#taken += 1;
      this.#from = update.update_id + 1;
    }
  }

  /** What can never be stored must not hold up the rest. */
  async #take(sink: SourceSink, update: TelegramUpdate): Promise<void> {
    try {
      await this.#polled.deliver(update);
    } catch (error) {
      if (!isWakebusError(error) || error.next !== 'terminal') throw error;
      const data = Buffer.from(JSON.stringify(update));
      await sink.refuse({ key: `${update.update_id}`, why: error.message, attempts: 1, data, from: 'getUpdates' });
    }
  }
}
