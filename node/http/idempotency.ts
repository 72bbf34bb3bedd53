/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that is repeated with its key gets the first answer and is not done again,
 * whichever node it is sent to. The same key with another request is refused with 422, and with 409 while the first one runs.
 */
import { createHash } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Clock, Rng } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import { asSha256, type Sha256, type Token } from '../../protocol/ids.ts'
import { REQUEST_KEPT_MS, REQUEST_KEY_MAX, REQUEST_RUNS_MS } from '../../protocol/kept-request.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import { RequestRefused } from './refusals.ts'
import { takesFile } from './upload-routes.ts'

/** The parts that it uses. */
export interface IdempotencyModules {
  readonly clock: Pick<Clock, 'timer'>
  readonly rng: Pick<Rng, 'token'>
  readonly log: Log
}

interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A string of structured fields (RFC 9651), or the same without its quotes. */
const KEY = new RegExp(
  `^(?:"([\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]{1,${REQUEST_KEY_MAX}})"|([\\w.~+/=:-]{1,${REQUEST_KEY_MAX}}))$`,
)
/** Headers of an answer that are kept with it. */
const HEADERS = ['content-type', 'location', 'tus-resumable', 'upload-offset']
/** An answer of more characters is not kept: those of POSTs have a few hundred. */
const ANSWER_MAX = 4_000

/** Stands before the routes. */
export function idempotent(ledger: Ledger, { clock, rng, log }: IdempotencyModules): MiddlewareHandler {
  return async (c, next) => {
    const header = c.req.header('idempotency-key')
    if (c.req.method !== 'POST' || header === undefined) return await next()
    const key = keyIn(header)
    const asked = { key, request: await fingerprint(c.req), token: rng.token() as Token }
    const kept = await ledger.beginRequest({ ...asked, ms: REQUEST_RUNS_MS })
    if (kept.token !== asked.token) return firstAnswer(kept, asked)

    const renew = () => {
      void ledger.beginRequest({ ...asked, ms: REQUEST_RUNS_MS }).catch(() => {})
      stop = clock.timer(REQUEST_RUNS_MS / 3, renew)
    }
    let stop = clock.timer(REQUEST_RUNS_MS / 3, renew)
    try {
      await next()
    } finally {
      stop()
    }
    const answer = await answerOf(c.res.clone())
    await ledger
      .endRequest({ key, token: asked.token, answer, ms: REQUEST_KEPT_MS })
      .catch((error: unknown) => log.warn('the answer to a request was not kept', { error: sentence(error) }))
  }
}

function keyIn(header: string): string {
  const [, quoted, bare] = KEY.exec(header.trim()) ?? []
  const key = quoted ?? bare
  if (key !== undefined) return key
  throw new RequestRefused(
    400,
    'bad_request',
    `the header Idempotency-Key is no key: give up to ${REQUEST_KEY_MAX} characters in quotes, such as a UUID`,
  )
}

/** What is asked: equal for a repeated request. Bytes of files are not read. */
async function fingerprint(req: Parameters<MiddlewareHandler>[0]['req']): Promise<Sha256> {
  const body = takesFile(req.path) ? [req.header('upload-length'), req.header('upload-metadata')] : await req.text()
  return asSha256(
    createHash('sha256')
      .update(JSON.stringify([req.path, body]))
      .digest('hex'),
  )
}

function firstAnswer(kept: { request: Sha256; answer: string | null }, { request }: { request: Sha256 }): Response {
  if (kept.request !== request)
    throw new RequestRefused(
      422,
      'key_of_another_request',
      'another request was sent with this Idempotency-Key: give each one a key of its own',
    )
  if (kept.answer === null)
    throw new RequestRefused(
      409,
      'request_runs',
      'the request with this Idempotency-Key still runs: ask again in a moment',
    )
  const { status, headers, body } = JSON.parse(kept.answer) as KeptAnswer
  return new Response(body, { status, headers })
}

/** What to keep of an answer; null where the request may be asked anew: it was not done. */
async function answerOf(response: Response): Promise<string | null> {
  const { status } = response
  if (status >= 500 || status === 429) return null
  const headers = Object.fromEntries(
    HEADERS.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value]]
    }),
  )
  const answer = JSON.stringify({ status, headers, body: await response.text() } satisfies KeptAnswer)
  return answer.length > ANSWER_MAX ? null : answer
}
