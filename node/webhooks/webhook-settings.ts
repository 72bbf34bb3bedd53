/** The settings of webhooks: their schemas. */
import { z } from 'zod'
import { WEBHOOK_TYPES } from '../../protocol/webhook.ts'
import { WEBHOOK_URLS_MAX, webhookUrlSchema } from '../../protocol/webhook-url.ts'
import { commaList } from '../comma-list.ts'
import { isAllowable } from './address-rules.ts'

const list = <T extends z.ZodType>(item: T) => z.preprocess(commaList, z.array(item))
const urls = () =>
  list(webhookUrlSchema)
    .refine((all) => all.length <= WEBHOOK_URLS_MAX, `names more than ${WEBHOOK_URLS_MAX} endpoints`)
    .default([])

/** Endpoints, what they get, and what signs it, for the configuration. */
export const webhookSettings = {
  webhooks: urls().describe(
    'URLs that get webhooks of all videos and peers, separated by commas, where this peer leads',
  ),
  webhook_secret: list(z.string().min(1))
    .default([])
    .describe(
      'files with secrets (whsec_…) that sign webhooks, a line each; with several each webhook has a signature of each. Every peer that may lead needs them',
    ),
  webhook_events: list(z.enum(WEBHOOK_TYPES))
    .default([...WEBHOOK_TYPES])
    .describe('types of messages that `webhooks` get, such as video.completed; default: all'),
  webhook_allow_private: z
    .preprocess(
      (value) => (value === 'true' || value === 'false' ? value === 'true' : commaList(value)),
      z.union([z.boolean(), z.array(z.string())], { error: 'give true, false, or addresses, networks and names' }),
    )
    .refine(
      (allowed) => typeof allowed === 'boolean' || allowed.every(isAllowable),
      'give addresses such as 10.0.0.7, networks such as 10.0.0.0/8, or names of hosts',
    )
    .default(false)
    .describe(
      'addresses, networks and names that webhooks may go to though they are not public, or true for all of them',
    ),
  input_webhooks: urls().describe('URLs that get webhooks of what is put into the watched folder'),
}
