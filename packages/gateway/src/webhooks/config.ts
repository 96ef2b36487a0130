/** Webhooks as a configuration file holds them: the sender's kind by name, secrets by the names of environment variables. */
import { type Channel, openChannel } from '@wakebus/channels';
import { cloudEvents } from './cloudevents.ts';
import { discord } from './discord.ts';
import { github } from './github.ts';
import { type HmacOptions, hmac } from './hmac.ts';
import { type MapRule, faultOfRules } from './mapping.ts';
import { mattermost } from './mattermost.ts';
import { slack } from './slack.ts';
import { standardWebhooks } from './standard.ts';
import { stripe } from './stripe.ts';
import { telegram } from './telegram.ts';
import { type Scheme, type Webhook, invalidWebhook } from './webhook.ts';

/** One webhook in a file. */
export interface WebhookConfig {
  readonly kind: PlainKind | 'hmac';
  /** Names of environment variables that hold a secret: two during a rotation. */
  readonly secretsFrom?: readonly string[];
  readonly map: MapRule | readonly MapRule[];
  readonly toleranceMs?: number;
  readonly replyTo?: boolean;
  /** By which account notices are shown: the variable of its token, and where the service is (Mattermost needs that). */
  readonly notice?: { readonly tokenFrom: string; readonly url?: string };
  /** With `hmac`: how it signs. */
  readonly hmac?: HmacOptions;
}

type PlainKind = 'standard' | 'github' | 'slack' | 'stripe' | 'telegram' | 'discord' | 'mattermost' | 'cloudevents';

const kinds: Readonly<Record<PlainKind, () => Scheme>> = {
  standard: standardWebhooks,
  github,
  slack,
  stripe: () => stripe(),
  telegram,
  discord,
  mattermost,
  cloudevents: cloudEvents,
};

/**
 * The webhooks of a file.
 *
 * @param env - Where secrets are. One that is not set is left out, as long as another is.
 * @throws {WakebusError} `INVALID_OPTION`.
 */
export function readWebhooks(
  config: Readonly<Record<string, WebhookConfig>>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, Webhook> {
  return Object.fromEntries(Object.entries(config).map(([name, webhook]) => [name, readOne(name, webhook, env)]));
}

function readOne(name: string, config: WebhookConfig, env: Readonly<Record<string, string | undefined>>): Webhook {
  const { kind, secretsFrom = [], map, toleranceMs, replyTo, notice } = config;
  const secrets = secretsFrom.flatMap((variable) => env[variable] || []);
  if (secrets.length === 0)
    throw invalidWebhook(name, `none of the variables ${secretsFrom.join(', ')} holds a secret`);
  const fault = faultOfRules(map);
  if (fault !== undefined) throw invalidWebhook(name, fault);
  const scheme = schemeOf(name, kind, config.hmac);
  return {
    scheme,
    secrets,
    map,
    ...(toleranceMs !== undefined && { toleranceMs }),
    ...(replyTo !== undefined && { replyTo }),
    ...(notice !== undefined && { notice: noticeOf(name, scheme, notice, env) }),
  };
}

function noticeOf(
  name: string,
  { channel }: Scheme,
  { tokenFrom, url }: NonNullable<WebhookConfig['notice']>,
  env: Readonly<Record<string, string | undefined>>,
): Channel {
  const token = env[tokenFrom];
  if (channel === undefined) throw invalidWebhook(name, 'no channel shows notices for deliveries of its kind');
  if (token === undefined || token === '') throw invalidWebhook(name, `the variable ${tokenFrom} holds no token`);
  return openChannel(channel, { token, ...(url !== undefined && { url }) });
}

function schemeOf(name: string, kind: string, options: HmacOptions | undefined): Scheme {
  if (kind === 'hmac') {
    if (typeof options?.header !== 'string' || typeof options.id !== 'object')
      throw invalidWebhook(name, 'write "hmac": {"header": …, "id": {"header": …} or {"pointer": …}}');
    return hmac(options);
  }
  if (Object.hasOwn(kinds, kind)) return kinds[kind as PlainKind]();
  throw invalidWebhook(name, `its kind is one of ${[...Object.keys(kinds), 'hmac'].join(', ')}`);
}
