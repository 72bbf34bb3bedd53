/** The webhooks of a node by its configuration: what its coordinator sends with. */
import { readFile, stat } from 'node:fs/promises'
import type { WebhookParts } from '../../coordinator/duty.ts'
import type { Clock } from '../../protocol/clock.ts'
import { UsageError } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import type { Config } from '../config.ts'
import { isOpenToOthers } from '../host/private-folder.ts'
import { VERSION } from '../version.ts'
import { createAddressRules } from './address-rules.ts'
import { createPostWebhook, withoutSecret } from './post-webhook.ts'
import { parseSecrets, type WebhookSecret } from './signature.ts'

/** The settings that it reads. */
export type WebhookSettings = Pick<
  Config,
  'name' | 'roles' | 'webhooks' | 'webhook_secret' | 'webhook_events' | 'webhook_allow_private'
>

/** What a coordinator sends with; without that role nothing. Rejects with `UsageError` where a file cannot be used, or endpoints have no secret. */
export async function openWebhooks(
  settings: WebhookSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<{ readonly webhooks?: Pick<WebhookParts, 'endpoints' | 'send'> }> {
  const { name, roles, webhooks: urls, webhook_events: types, webhook_secret: files } = settings
  if (!roles.includes('coordinator')) return {}
  if (urls.length > 0 && files.length === 0)
    throw new UsageError(
      'webhooks are signed: write a secret into a file (echo "whsec_$(openssl rand -base64 32)" > hook.secret) and name it as webhook_secret',
    )
  const secrets = (await Promise.all(files.map((path) => readSecrets(path, log)))).flat()
  const rules = createAddressRules(settings.webhook_allow_private)
  const send =
    secrets.length === 0 ? withoutSecret(name) : createPostWebhook({ secrets, rules, clock, version: VERSION })
  return { webhooks: { endpoints: { urls, types }, send } }
}

/** Why an endpoint may not be named to this node, in a sentence; null where it may. Names are looked up when it is used. */
export function webhookProblem({
  webhook_allow_private,
}: Pick<Config, 'webhook_allow_private'>): (url: string) => string | null {
  const rules = createAddressRules(webhook_allow_private)
  return (url) => rules.whyRefused(new URL(url))
}

async function readSecrets(path: string, log: Log): Promise<readonly WebhookSecret[]> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`webhook_secret: ${path} cannot be read: ${cause.code}`, { cause })
  })
  const secrets = parseSecrets(text)
  if (typeof secrets === 'string') throw new UsageError(`webhook_secret: ${path}: ${secrets}`)
  if (isOpenToOthers(await stat(path)))
    log.warn('other users may read the secrets of webhooks: chmod 600', { webhook_secret: path })
  return secrets
}
