/** `reelmesh webhooks`: lists webhook deliveries and has one sent again, through the local node or, where none runs, from the ledger itself. */
import { Argument, type Command, Option } from 'commander'
import { parseResponse } from 'hono/client'
import type { Config } from '../node/config.ts'
import { resendWebhook, webhookPage } from '../node/http/webhook-page.ts'
import { webhookProblem } from '../node/webhooks/open-webhooks.ts'
import type { WebhookRow } from '../protocol/api-webhooks.ts'
import { UsageError } from '../protocol/errors.ts'
import { WEBHOOK_STATES, type WebhookState } from '../protocol/webhook-delivery.ts'
import { WEBHOOK_URLS_MAX, webhookUrlProblem } from '../protocol/webhook-url.ts'
import { addConfigOptions, configFrom, parseCount } from './options.ts'
import { printable, say, sayJson } from './output.ts'
import { localNode, withLedger } from './reach.ts'
import { tableLines } from './table-lines.ts'

interface WebhookOptions extends Record<string, unknown> {
  state?: WebhookState
  limit: number
  json?: boolean
}

/** The flags of what webhooks are sent with, with the form of each value. */
export const WEBHOOK_FLAGS = { webhook_secret: '<file>', webhook_allow_private: '<true|list>' } as const

/** Deliveries of a page of the API, at most. */
const LIMIT_MAX = 500

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

/** Throws `UsageError` where `run` could not send to these endpoints: it leads itself. */
export function checkWebhooks(urls: readonly string[] | undefined, config: Config): void {
  if (urls === undefined) return
  if (config.webhook_secret.length === 0)
    throw new UsageError(
      '--webhook: messages are signed; write a secret into a file (echo "whsec_$(openssl rand -base64 32)" > hook.secret) and give --webhook-secret hook.secret',
    )
  const problem = webhookProblem(config)
  for (const url of urls) {
    const why = problem(url)
    if (why !== null) throw new UsageError(`--webhook: ${why}`)
  }
}

/** Adds the verb `webhooks` to the program. */
export function addWebhooks(program: Command): void {
  const command = program
    .command('webhooks')
    .addArgument(new Argument('[resend]', 'send one again').choices(['resend']))
    .argument('[id]', 'which, as the list shows it')
    .addOption(new Option('--state <state>', 'only those in this state').choices(WEBHOOK_STATES))
    .addOption(new Option('--limit <n>', 'how many, of the newest').argParser(parseCount).default(50))
    .option('--json', 'as JSON')
  addConfigOptions(command, { data_dir: '<dir>', ledger: '<address>', ledger_file: '<file>' })
  command.action(async (verb: string | undefined, id: string | undefined, options: WebhookOptions) => {
    if (verb === undefined) return sayList(await listed(options), options.json === true)
    if (id === undefined) throw new UsageError('say which one to send again: `reelmesh webhooks` lists them')
    const row = await resent(id, options)
    if (options.json) sayJson(row)
    else say(`${row.id}: ${row.type} is sent again to ${printable(row.endpoint)}`)
  })
}

async function listed({ state, limit, ...options }: WebhookOptions): Promise<readonly WebhookRow[]> {
  const config = await configFrom(options)
  const client = await localNode(config)
  const query = { limit: Math.min(limit, LIMIT_MAX), cursor: undefined, state }
  const asked = { limit: String(query.limit), ...(state && { state }) }
  const page = client
    ? await parseResponse(client.v1.webhooks.$get({ query: asked }))
    : await withLedger(config, (ledger) => webhookPage(ledger, query))
  return page.webhooks
}

async function resent(id: string, options: Record<string, unknown>): Promise<WebhookRow> {
  const config = await configFrom(options)
  const client = await localNode(config)
  return client
    ? await parseResponse(client.v1.webhooks[':id'].resend.$post({ param: { id } }))
    : await withLedger(config, (ledger) => resendWebhook(ledger, id))
}

function sayList(rows: readonly WebhookRow[], json: boolean): void {
  if (json) sayJson(rows)
  else if (rows.length === 0) say('no webhooks yet: `reelmesh submit FILE --webhook URL`')
  else for (const line of listLines(rows)) say(line.trim())
}

const listLines = (rows: readonly WebhookRow[]): string[] =>
  tableLines(
    rows.map(({ id, type, state, attempts, answer, next_at, endpoint }) => [
      id,
      type,
      state,
      attempts === 1 ? '1 attempt' : `${attempts} attempts`,
      printable(answer ?? ''),
      next_at === null || attempts === 0 ? '' : `next ${new Date(next_at).toLocaleTimeString('en-GB')}`,
      printable(endpoint),
    ]),
  )
