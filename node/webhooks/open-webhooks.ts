/** The webhooks of a node by its configuration: what its coordinator sends with. */
import type { WebhookParts } from '../../coordinator/duty.ts'
import type { Clock } from '../../protocol/clock.ts'
import { UsageError } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import type { SendWebhook } from '../../protocol/webhook.ts'
import type { Config } from '../config.ts'
import { readSecretFile, stampOf, watchPart } from '../host/secret-files.ts'
import type { PartList } from '../parts.ts'
import { VERSION } from '../version.ts'
import { createAddressRules } from './address-rules.ts'
import { createPostWebhook, withoutSecret } from './post-webhook.ts'
import { parseSecrets, type WebhookSecret } from './signature.ts'

const WHAT = 'secrets of webhooks'

/** The settings that it reads. */
export type WebhookSettings = Pick<
  Config,
  'name' | 'roles' | 'webhooks' | 'webhook_secret' | 'webhook_events' | 'webhook_allow_private'
>

/**
 * What a coordinator sends with, and, as one of `parts`, what reads secrets again when their files change; without that role nothing. Rejects with
 * `UsageError` where a file cannot be used, or endpoints have no secret.
 */
export async function openWebhooks(
  settings: WebhookSettings,
  { clock, log, parts }: { readonly clock: Clock; readonly log: Log; readonly parts: Pick<PartList, 'start'> },
): Promise<{ readonly webhooks?: Pick<WebhookParts, 'endpoints' | 'send'> }> {
  const { name, roles, webhooks: urls, webhook_events: types, webhook_secret: paths } = settings
  if (!roles.includes('coordinator')) return {}
  if (urls.length > 0 && paths.length === 0)
    throw new UsageError(
      'webhooks are signed: write a secret into a file (echo "whsec_$(openssl rand -base64 32)" > hook.secret) and name it as webhook_secret',
    )
  const rules = createAddressRules(settings.webhook_allow_private)
  const sender = async (): Promise<SendWebhook> => {
    const secrets = (await Promise.all(paths.map((path) => readSecrets(path, log)))).flat()
    return secrets.length === 0 ? withoutSecret(name) : createPostWebhook({ secrets, rules, clock, version: VERSION })
  }
  const stamp = await stampOf(paths)
  let send = await sender()
  const reread = async () => {
    send = await sender()
  }
  await parts.start(watchPart({ paths, what: WHAT, stamp, reread }, { clock, log }))
  return { webhooks: { endpoints: { urls, types }, send: (attempt, signal) => send(attempt, signal) } }
}

/** Why an endpoint may not be named to this node, in a sentence; null where it may. Names are looked up when it is used. */
export function webhookProblem({
  webhook_allow_private,
}: Pick<Config, 'webhook_allow_private'>): (url: string) => string | null {
  const rules = createAddressRules(webhook_allow_private)
  return (url) => rules.whyRefused(new URL(url))
}

const readSecrets = (path: string, log: Log): Promise<readonly WebhookSecret[]> =>
  readSecretFile({ path, flag: '--webhook-secret', what: WHAT, parse: parseSecrets }, log)
