/**
 * Operating failures. Expected outcomes (a lost claim, no work) are tagged results, broken invariants are assertions;
 * what remains is here: an error with a stable `code` that people and policies can rely on.
 */
import { shownPath } from './path-text.ts'

/** Why an attempt at a task failed. Written into the ledger; old names are never reused for another meaning. */
export const FAILURE_CODES = [
  /** ffmpeg exited non-zero on this input. */
  'encode_failed',
  /** The result is not what the plan says: frames, times or signature. */
  'verify_failed',
  /** ffmpeg was killed by a signal that this node did not send: this build crashes on the input, another may not. */
  'build_cannot',
  /** No progress within the time allowed. */
  'stalled',
  /** More bytes or memory than the bound allows. */
  'out_of_bounds',
  /** No holder of an input blob answered. */
  'input_missing',
  /** Too little free space on the worker's disk. */
  'disk_full',
  /** The ledger was unavailable for longer than `LEDGER_RETRY_DEADLINE_MS`. */
  'ledger_away',
  /** The worker's connection closed while it ran. */
  'peer_died',
  /** The source itself cannot be used. Final: no other attempt would end differently. */
  'source_refused',
  /** The source is no longer the file that was submitted. Final, as above. */
  'source_changed',
  /** No codec can follow the recipe. Final, as above. */
  'recipe_refused',
  /** A bug or an unforeseen condition, in the worker's words. */
  'unexpected',
] as const
/** One of `FAILURE_CODES`. */
export type FailureCode = (typeof FAILURE_CODES)[number]

/** Codes that say nothing against the task: backoff, but no strike. */
export const NO_STRIKE: ReadonlySet<FailureCode> = new Set(['input_missing', 'disk_full', 'ledger_away'])

/** Codes after which no other attempt would end differently: the task fails at once, and it says nothing against the peer. */
export const FINAL: ReadonlySet<FailureCode> = new Set(['source_refused', 'source_changed', 'recipe_refused'])

/**
 * Codes by which ffmpeg, or a check of its result, speaks about the data: where two attempts end in the same words (`failure-words.ts`), no
 * further one would end differently. All others may come from circumstances.
 */
export const CONCLUSIVE: ReadonlySet<FailureCode> = new Set(['encode_failed', 'verify_failed'])

/** The base of all operating failures. `message` is one sentence for people: what failed, why, and what to do. `code` is stable. */
export class ReelmeshError extends Error {
  readonly code: string
  readonly retryable: boolean
  /** The field of a request to the HTTP API that is wrong, where it is one: set by whoever knows what was given there. */
  field: string | undefined
  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; cause?: unknown; field?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ReelmeshError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.field = options.field
  }
}

/** The error for an id under which there is no webhook delivery. */
export const unknownWebhook = (id: string): ReelmeshError =>
  new ReelmeshError(
    'unknown_webhook',
    `there is no webhook ${shownPath(id.slice(0, 64))}; \`reelmesh webhooks\` lists those there are`,
  )

/** No video has this id, or its document in the ledger does not fit, so that nobody can go on with it. */
export const unknownVideo = (id: string): ReelmeshError =>
  new ReelmeshError(
    'unknown_video',
    `there is no video ${id} that can be read; \`reelmesh videos\` lists those there are, and a submit of its file begins it anew`,
  )

/** A text that is no video id was given as one. */
export const notVideoId = (text: unknown): ReelmeshError =>
  new ReelmeshError('unknown_video', `${text} is not a video id: 16 hex digits, as \`reelmesh videos\` shows them`)

/** The source cannot be used; the sentence names the file and the cause. Not retried. */
export class SourceRefused extends ReelmeshError {
  constructor(message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super('source_refused', message, options)
    this.name = 'SourceRefused'
  }
}

/** The recipe asks for what no codec of this version can do; the sentence names the rendition and the remedy. Not retried. */
export class RecipeRefused extends ReelmeshError {
  constructor(message: string, options: { field?: string } = {}) {
    super('recipe_refused', message, options)
    this.name = 'RecipeRefused'
  }
}

/** A handler for `catch`: it rejects with the same error, and lets the refusal of a file name the field of a request that names the file. */
export const refusedAt =
  (field: string) =>
  (error: unknown): never => {
    if (error instanceof SourceRefused) error.field ??= field
    throw error
  }

/** The source changed while it was read, such as a copy in progress. The only refusal that may be retried. */
export class SourceUnsettled extends SourceRefused {
  constructor(message: string) {
    super(message, { retryable: true })
    this.name = 'SourceUnsettled'
  }
}

/** The source is no longer the file that was submitted. Final: nothing is made of two files. `name`: as people see the file. */
export class SourceChanged extends ReelmeshError {
  constructor(name: string, options: { cause?: unknown } = {}) {
    super('source_changed', `${shownPath(name)} was changed while it was encoded; submit it again`, options)
    this.name = 'SourceChanged'
  }
}

/** An attempt failed, with the code that the ledger records. `log` is the tail of ffmpeg's stderr (at most `LOG_BYTES_MAX`). */
export class AttemptFailed extends ReelmeshError {
  override readonly code: FailureCode
  readonly log: string
  constructor(code: FailureCode, message: string, options: { log?: string; cause?: unknown } = {}) {
    super(code, message, { retryable: true, cause: options.cause })
    this.name = 'AttemptFailed'
    this.code = code
    this.log = options.log ?? ''
  }
}

/** The ledger did not answer: the operation may or may not have happened. The caller reads back by token or id. */
export class LedgerUnavailable extends ReelmeshError {
  constructor(message: string, cause?: unknown) {
    super('ledger_away', message, { retryable: true, cause })
    this.name = 'LedgerUnavailable'
  }
}

/** No peer that answered holds these bytes. */
export class BlobMissing extends ReelmeshError {
  readonly sha256: string
  constructor(sha256: string, message = `no peer that answered holds blob ${sha256.slice(0, 12)}…`) {
    super('input_missing', message, { retryable: true })
    this.name = 'BlobMissing'
    this.sha256 = sha256
  }
}

/** A peer could not be reached, closed the stream, or violated the protocol. */
export class PeerUnreachable extends ReelmeshError {
  constructor(message: string, cause?: unknown) {
    super('peer_unreachable', message, { retryable: true, cause })
    this.name = 'PeerUnreachable'
  }
}

/** Wrong flags, configuration or environment: the person who started the program can correct it. */
export class UsageError extends ReelmeshError {
  constructor(message: string, options: { cause?: unknown; field?: string } = {}) {
    super('usage', message, options)
    this.name = 'UsageError'
  }
}

/** Whether the error, or one of its causes (up to 8 deep), is ENOSPC, EDQUOT or `disk_full`. */
export function isDiskFull(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const code = (at as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'disk_full') return true
  }
  return false
}

/** The message of anything that was thrown, as one line of text. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\s+/g, ' ').trim() || 'unknown error'
}
