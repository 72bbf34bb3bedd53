/** URLs of endpoints of webhooks: which may be given, and how they are shown. Which addresses one leads to is asked when it is used. */
import { z } from 'zod'

/** Endpoints of one video, and of a configuration, at most. */
export const WEBHOOK_URLS_MAX = 8
const URL_MAX = 2_000

/** What is wrong with the URL of an endpoint, in words that fit behind it; null for one that may be used. */
export function webhookUrlProblem(text: string): string | null {
  const url = text.length <= URL_MAX && URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol) || /\s/.test(text))
    return 'give a URL of http or https, such as https://example.org/hook'
  if (url.username !== '' || url.password !== '')
    return 'give a URL without a name and a password: messages are signed instead'
  return null
}

/** The URL of an endpoint, for bodies and the configuration. */
export const webhookUrlSchema = z
  .string()
  .superRefine((text, context) => {
    const message = webhookUrlProblem(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
  .describe('URL of http or https that gets the messages')

/** An endpoint for people and logs: its query may hold a secret. */
export function endpointText(text: string): string {
  if (!URL.canParse(text)) return '(no URL)'
  const { origin, pathname, search } = new URL(text)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}
