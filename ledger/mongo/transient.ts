/** Classifies errors of the driver as transient: after each of them it is unknown whether the command was applied. Pure. */

/** Names of the driver's error classes for connections, pools, elections and timeouts. */
const NAMES: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoNotConnectedError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoSystemError',
  'MongoPoolClosedError',
  'MongoServerClosedError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
  'MongoExpiredSessionError',
  'MongoWaitQueueTimeoutError',
  'MongoWriteConcernError',
  'MongoStalePrimaryError',
])

/**
 * Server codes: HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress, WriteConcernFailed (applied, not yet held by
 * a majority), LockTimeout, MaxTimeMSExpired, PrimarySteppedDown, NotYetInitialized, SocketException, WriteConflict,
 * NetworkInterfaceExceededTimeLimit, KeyNotFound (of signatures, after a failover), NotWritablePrimary, Interrupted*, NotPrimary*,
 * ExceededTimeLimit; and DuplicateKey, which only two upserts at the same moment cause here.
 */
const CODES: ReadonlySet<number> = new Set([
  6, 7, 24, 50, 64, 89, 91, 94, 112, 134, 189, 202, 211, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436, 11000,
])

/**
 * Node's names for a connection that is lost: the driver passes an error of the socket on as it is while a command is being written
 * (findings/mongodb-lost-while-writing.sh).
 */
const LOST_CONNECTION =
  /^(?:EPIPE|ECONN(?:RESET|ABORTED|REFUSED)|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|ENETRESET|ENOTCONN|EPROTO|ERR_(?:STREAM|SOCKET|SSL)_.+)$/

const LABELS = [
  'RetryableWriteError',
  'RetryableError',
  'ResetPool',
  'SystemOverloadedError',
  'TransientTransactionError',
]

export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (NAMES.has(error.name)) return true
  // The error of a bulk write wraps the one that ended it; errors of single documents in it are not transient.
  if (error.name === 'MongoBulkWriteError') return isTransient((error as { errorResponse?: unknown }).errorResponse)
  const { code, hasErrorLabel } = error as { code?: unknown; hasErrorLabel?: (label: string) => boolean }
  if (typeof code === 'number' && CODES.has(code)) return true
  if (typeof code === 'string' && LOST_CONNECTION.test(code)) return true
  return typeof hasErrorLabel === 'function' && LABELS.some((label) => hasErrorLabel.call(error, label))
}
