/** `reelmesh webhooks`: lists webhook deliveries and has one sent again, through the local node or, where none runs, from the ledger itself. */
import { Argument, type Command, Option } from 'commander'
import { parseResponse } from 'hono/client'
import { resendWebhook, webhookPage } from '../node/http/webhook-page.ts'
import type { WebhookRow } from '../protocol/api-webhooks.ts'
import { UsageError } from '../protocol/errors.ts'
import { WEBHOOK_STATES, type WebhookState } from '../protocol/webhook-delivery.ts'
import { addConfigOptions, configFrom, parseCount } from './options.ts'
import { printable, say, sayJson } from './output.ts'
import { localNode, withLedger } from './reach.ts'
import { tableLines } from './table-lines.ts'

interface WebhookOptions extends Record<string, unknown> {
  state?: WebhookState
  limit: number
  json?: boolean
}

/** Deliveries of a page of the API, at most. */
const LIMIT_MAX = 500

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
