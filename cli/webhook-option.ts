/** The option `--webhook`, and what goes with it. */
import { type Command, Option } from 'commander'
import type { Config } from '../node/config.ts'
import { UsageError } from '../protocol/errors.ts'
import { WEBHOOK_URLS_MAX, webhookUrlProblem } from '../protocol/webhook-url.ts'

/** The flags of what webhooks are sent with, with the form of each value. */
export const WEBHOOK_FLAGS = { webhook_secret: '<file>', webhook_allow_private: '<true|list>' } as const

/** Adds the option `--webhook` to a command; it may be repeated. */
export function addWebhookOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--webhook <url>',
      'http or https URL that gets signed messages about these videos; may be repeated',
    ).argParser(oneMoreUrl),
  )
}

/** Throws `UsageError` for what is no URL of an endpoint, and for too many. */
function oneMoreUrl(url: string, before: readonly string[] = []): string[] {
  const problem = webhookUrlProblem(url)
  if (problem !== null) throw new UsageError(`--webhook: ${problem}`)
  if (before.length >= WEBHOOK_URLS_MAX) throw new UsageError(`--webhook is given more than ${WEBHOOK_URLS_MAX} times`)
  return [...before, url]
}

/** Rejects with `UsageError` where `run` could not send to these endpoints: it leads itself. */
export async function checkWebhooks(urls: readonly string[] | undefined, config: Config): Promise<void> {
  if (urls === undefined) return
  if (config.webhook_secret.length === 0)
    throw new UsageError(
      '--webhook: messages are signed; write a secret into a file (echo "whsec_$(openssl rand -base64 32)" > hook.secret) and give --webhook-secret hook.secret',
    )
  const { webhookProblem } = await import('../node/webhooks/open-webhooks.ts')
  const problem = webhookProblem(config)
  for (const url of urls) {
    const why = problem(url)
    if (why !== null) throw new UsageError(`--webhook: ${why}`)
  }
}
