/**
 * How a request that is refused or fails is answered: with a problem document (RFC 9457) that holds the code and the sentence which the command
 * line shows. No answer has a stack.
 */
import { STATUS_CODES } from 'node:http'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { z } from 'zod'
import type { Problem } from '../../protocol/api-answers.ts'
import { ReelmeshError, sentence } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import { faultOf } from '../schema-sentences.ts'
import type { StreamRefusal } from '../streams/streams.ts'

/** The statuses of refusals. */
export type RefusalStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 409
  | 410
  | 412
  | 413
  | 415
  | 416
  | 421
  | 422
  | 429
  | 500
  | 503
  | 507

const STREAM_STATUSES: Readonly<Record<StreamRefusal, RefusalStatus>> = {
  no_package: 404,
  unknown_file: 404,
  not_ready: 503,
  video_ended: 410,
  bytes_away: 503,
  bytes_gone: 410,
}
/** The statuses of errors that others than the HTTP routes throw, by code; all further ones are faults of the node. */
const STATUSES: Readonly<Record<string, RefusalStatus>> = {
  ...STREAM_STATUSES,
  usage: 422,
  source_refused: 422,
  recipe_refused: 422,
  unknown_video: 404,
  unknown_webhook: 404,
  unknown_peer: 404,
  ambiguous_peer: 409,
  conflict: 409,
  unknown_upload: 404,
  upload_open: 409,
  uploads_off: 403,
  too_large: 413,
  wrong_sha256: 422,
  no_room: 507,
  ledger_away: 503,
}
/** When a client should ask again, s. */
const RETRY_AFTER_S: Partial<Record<RefusalStatus, number>> = { 429: 1, 503: 2 }

/** A request that is refused before it reaches what it asks for. `field`: the part of its body or query that is wrong. */
export class RequestRefused extends ReelmeshError {
  readonly status: RefusalStatus
  readonly headers: Readonly<Record<string, string>>
  constructor(
    status: RefusalStatus,
    code: string,
    message: string,
    { field, headers = {} }: { field?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, { field })
    this.name = 'RequestRefused'
    this.status = status
    this.headers = headers
  }
}

/** Answers with the problem of an error, for `onError`. What is a fault of the node is logged. */
export const answerError =
  (log: Log) =>
  (thrown: Error, c: Context): Response => {
    const error = thrown instanceof HTTPException ? ofException(thrown) : thrown
    const status = statusOf(error)
    if (status === 500) log.error('a request failed', { path: c.req.path, error: sentence(error) })
    const known = error instanceof ReelmeshError ? error : null
    const problem: Problem = {
      type: 'about:blank',
      title: STATUS_CODES[status] ?? '',
      status,
      code: known?.code ?? 'unexpected',
      detail: sentence(error),
      ...(known?.field !== undefined && { field: known.field }),
    }
    const retryAfter = RETRY_AFTER_S[status]
    return c.body(JSON.stringify(problem), status, {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      ...(error instanceof RequestRefused && error.headers),
    })
  }

function statusOf(error: Error): RefusalStatus {
  if (error instanceof RequestRefused) return error.status
  return (error instanceof ReelmeshError && STATUSES[error.code]) || 500
}

/** What the router itself refuses. */
const ofException = ({ status }: HTTPException): RequestRefused =>
  status === 415
    ? new RequestRefused(415, 'bad_request', 'the body must be JSON, with the header content-type: application/json')
    : new RequestRefused(400, 'bad_request', 'the body is not JSON')

/** What is wrong with a request: a field of its body, its query or a header, or its path. */
export type MisfitTarget = 'json' | 'query' | 'header' | 'param' | 'form' | 'cookie'

const WHOLE: Readonly<Record<string, string>> = { query: 'the query', header: 'the header' }

/** The refusal of a request of which `given`, such as its body, does not fit its schema. It names the wrong field of a body, query or header. */
export function misfit({ issues }: z.core.$ZodError, target: MisfitTarget, given: unknown): RequestRefused {
  if (target === 'param')
    return new RequestRefused(404, 'unknown_video', issues[0]?.message ?? 'there is no such video')
  const { path, text } = faultOf(issues, given)
  const field = path.map(String).join('.')
  const status = target === 'json' ? 422 : 400
  return new RequestRefused(status, 'bad_request', `${field || (WHOLE[target] ?? 'the body')}: ${text}`, { field })
}
