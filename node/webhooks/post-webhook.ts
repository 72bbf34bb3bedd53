/**
 * Posts a webhook over HTTP or HTTPS. The name of the endpoint is looked up once for each attempt, every address that it has is checked, and the
 * connection goes to one of those: a name that leads elsewhere a moment later changes nothing. Redirects are not followed. Each attempt has a connection
 * of its own and a bounded time; of an answer's body little is read, and nothing kept.
 */
import { lookup } from 'node:dns'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { type Clock, deadline } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { SendWebhook, WebhookAnswer, WebhookAttempt } from '../../protocol/webhook.ts'
import { type AddressRules, hostOf, privateText } from './address-rules.ts'
import { signatureHeaders, type WebhookSecret } from './signature.ts'

/** What it sends with. */
export interface PostOptions {
  readonly secrets: readonly WebhookSecret[]
  readonly rules: AddressRules
  readonly clock: Clock
  readonly version: string
  /** What looks up names; default, that of the system. */
  readonly lookup?: typeof lookup
  /** How long an attempt may take, ms. */
  readonly timeoutMs?: number
}

/** By the specification 15 to 30 s. */
const TIMEOUT_MS = 20_000
/** Bytes of an answer that are read, so that the endpoint can end it in peace. */
const ANSWER_BYTES_MAX = 16 * 1024
/** How long an attempt waits that cannot be made here: another leader, or a configuration that is corrected, sends soon. */
const OWN_FAULT_MS = 60_000
/** An answer may ask to wait so long, s: more than the time that a delivery is tried. */
const RETRY_AFTER_S_MAX = 48 * 3_600

/** Sends with these secrets. */
export function createPostWebhook(options: PostOptions): SendWebhook {
  const { rules, clock, timeoutMs = TIMEOUT_MS } = options
  return async (attempt, signal) => {
    const url = new URL(attempt.url)
    const why = rules.whyRefused(url)
    if (why !== null) return { problem: why, retry_after_ms: null }
    const timed = deadline(clock, timeoutMs, signal)
    try {
      return await post(url, attempt, options, timed)
    } catch (error) {
      signal.throwIfAborted()
      const problem = timed.aborted ? `no answer within ${timeoutMs / 1000} s` : problemOf(error)
      return { problem, retry_after_ms: null }
    }
  }
}

/** Sends nothing: the leader has no secret to sign with. */
export const withoutSecret =
  (name: string): SendWebhook =>
  async () => ({
    problem: `not sent: ${name} leads, and has no webhook_secret to sign with`,
    retry_after_ms: OWN_FAULT_MS,
  })

function post(
  url: URL,
  { id, body }: WebhookAttempt,
  options: PostOptions,
  signal: AbortSignal,
): Promise<WebhookAnswer> {
  const { secrets, rules, clock, version } = options
  const at = Math.floor(clock.now() / 1000)
  const bytes = Buffer.from(body)
  const { promise, resolve, reject } = Promise.withResolvers<WebhookAnswer>()
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = send(url, {
    method: 'POST',
    // Not kept for the next: each attempt checks the address that it goes to.
    agent: false,
    lookup: checkedLookup(rules, options.lookup ?? lookup),
    signal,
    headers: {
      'content-type': 'application/json',
      'content-length': bytes.byteLength,
      'user-agent': `Reelmesh/${version}`,
      ...signatureHeaders({ id, at, body }, secrets),
    },
  })
  request.on('error', reject)
  request.on('response', (response) => {
    const { statusCode: status = 0, headers } = response
    // Its status counts, however its body and the connection end.
    request.off('error', reject).on('error', () => {})
    drain(response, () => resolve({ status, retry_after_ms: retryAfterMs(headers['retry-after'], clock.now()) }))
  })
  request.end(bytes)
  return promise
}

/** Reads a little of the body; `then` is called once the connection is done with. */
function drain(response: IncomingMessage, then: () => void): void {
  let bytes = 0
  response.on('data', (piece: Buffer) => {
    bytes += piece.byteLength
    if (bytes > ANSWER_BYTES_MAX) response.destroy()
  })
  response.on('error', then)
  response.on('close', then)
}

/** Answers the addresses of a name only where all of them may be used. */
function checkedLookup(rules: AddressRules, look: typeof lookup): LookupFunction {
  return (hostname, options, done) => {
    look(hostname, { ...options, all: true }, (error, addresses) => {
      const name = hostOf({ hostname }).toLowerCase()
      const refused = error ? undefined : addresses.find(({ address }) => !rules.mayUse(name, address))
      const [first] = addresses ?? []
      if (error || refused || !first) done(error ?? new Error(privateText(refused?.address ?? hostname)), '')
      else if (options.all) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
}

/** `Retry-After`: seconds, or a date. `now`: ms since 1970. */
export function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined) return null
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, RETRY_AFTER_S_MAX * 1000) : null
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'its host is not reached',
  ENETUNREACH: 'its network is not reached',
  ETIMEDOUT: 'its host does not answer',
}

/** Why there was no answer. Errors of several addresses are one. */
function problemOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error
  return PROBLEMS[String((first as { code?: unknown } | null)?.code)] ?? sentence(first)
}
