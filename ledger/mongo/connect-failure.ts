/**
 * Turns the driver's errors about a MongoDB that cannot be reached into one sentence: what, why, and what to do. `LedgerUnavailable` where it may
 * answer later, `UsageError` where a person has to correct something first. Pure.
 */
import type { MongoServerSelectionError, ServerDescription } from 'mongodb'
import { LedgerUnavailable, ReelmeshError, sentence, UsageError } from '../../protocol/errors.ts'
import { describeUrl, isTls } from './address.ts'
import { oldRelease, tooOld } from './server-kind.ts'
import { isTransient } from './transient.ts'

/** Codes: AuthenticationFailed, and that of Atlas. */
const REFUSED_LOGIN: readonly unknown[] = [18, 8000]
/** OpenSSL's and Node's names for a certificate that is not trusted. */
const UNTRUSTED =
  /SELF_SIGNED|UNABLE_TO_|CERT_(?:HAS_EXPIRED|NOT_YET_VALID|UNTRUSTED|SIGNATURE_FAILURE)|ERR_TLS_CERT_ALTNAME_INVALID/

export function connectFailure(error: unknown, url: string): ReelmeshError {
  const away = (message: string) => new LedgerUnavailable(message, error)
  const wrong = (message: string) => new UsageError(message, { cause: error })
  const where = describeUrl(url)
  const servers = [...((error as MongoServerSelectionError).reason?.servers?.values() ?? [])] as ServerDescription[]
  const causes = [error, ...servers.map((server) => server.error)].filter((each) => each instanceof Error)
  if (causes.some((cause) => REFUSED_LOGIN.includes((cause as { code?: unknown }).code)))
    return wrong(
      `the MongoDB at ${where} refuses the user or password of the ledger's address: correct them (special characters as %XX), or name the database that knows the user with authSource=`,
    )
  if (servers.some(({ type }) => type === 'RSGhost')) return wrong(uninitiated(where))
  const release =
    servers.map(({ error }) => error && oldRelease(error.message)).find(Boolean) ?? oldRelease(sentence(error))
  if (release) return wrong(tooOld(where, release))
  const cause = servers.map((server) => server.error).find((each) => each !== null)
  const tls = cause ? tlsFailure(cause, url) : null
  if (tls !== null) return wrong(tls)
  if (cause) return away(unreachable(where, cause))
  // With `replicaSet=` the driver drops servers that are not of that set, and then reports only that it has none.
  if (error instanceof Error && error.name === 'MongoServerSelectionError') {
    return away(
      `no primary of the replica set that the ledger's address names answers at ${where}: is it a replica set of that name, with a majority of members running?`,
    )
  }
  if (isTransient(error)) return away(unreachable(where, error as Error))
  return wrong(`the ledger at ${where} cannot be opened: ${sentence(error)}`)
}

/** What a person must put right while the ledger waits for it: Unauthorized, AuthenticationFailed, and that of Atlas. */
const REFUSED: readonly unknown[] = [13, ...REFUSED_LOGIN]

/**
 * An error of the driver as one of ours, in a sentence that names the ledger; any other error as it is. `LedgerUnavailable` where the same may succeed
 * later. `where`: as people see the ledger.
 */
export function inOurWords(error: unknown, where: string): unknown {
  if (isTransient(error))
    return new LedgerUnavailable(`the ledger (${where}) did not answer: ${sentence(error)}`, error)
  if (!(error instanceof Error) || !/^(?:Mongo|Pool|BSON)/.test(error.name)) return error
  const { code } = error as { code?: unknown }
  const why = `the ledger (${where}) refused a command: ${sentence(error)}`
  return REFUSED.includes(code)
    ? new LedgerUnavailable(why, error)
    : new ReelmeshError('ledger_refused', why, { cause: error })
}

export const uninitiated = (where: string): string =>
  `the replica set of the MongoDB at ${where} was never initiated: run rs.initiate() there once`

const unreachable = (where: string, cause: Error): string =>
  `no MongoDB answers at ${where} (${sentence(cause)}): start it, or correct the ledger's address`

/** One side speaks TLS and the other does not, or its certificate is not trusted; null where it is neither. */
function tlsFailure(cause: Error, url: string): string | null {
  const where = describeUrl(url)
  const code = codeOf(cause)
  const text = sentence(cause)
  if (UNTRUSTED.test(code)) {
    const why = text.split(';')[0]
    return `the MongoDB at ${where} presents a certificate that is not trusted here (${why}): name its authority in the ledger's address with tlsCAFile=PATH, or fix the certificate`
  }
  if (/alert.*certificate|certificate required/i.test(text))
    return `the MongoDB at ${where} requires a client certificate: name one in the ledger's address with tlsCertificateKeyFile=PATH`
  if (isTls(url) && /before secure TLS connection|wrong version number|packet length too long/i.test(text))
    return `the MongoDB at ${where} does not speak TLS, which the ledger's address asks for: leave tls=true out of the address, or start the server with TLS`
  // A server that requires TLS closes the connection at the first plain message.
  if (!isTls(url) && (/^connection .* closed$/.test(text) || code === 'ECONNRESET'))
    return `the MongoDB at ${where} hangs up at the first word, as one does that only takes TLS: add tls=true to the ledger's address (and tlsCAFile=PATH where its certificate is your own)`
  return null
}

function codeOf(error: Error): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string') return code
  }
  return ''
}
