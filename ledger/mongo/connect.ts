/**
 * Connects, and creates the collections and indexes that are missing; many processes may start at once. A database that cannot be used
 * (unreachable, no replica set, no rights, too old, of another schema version, no MongoDB) is refused in one sentence.
 */
import type { Db, Document, MongoClient, MongoClientOptions } from 'mongodb'
import type { Clock, Rng } from '../../protocol/clock.ts'
import { LedgerUnavailable, sentence, UsageError } from '../../protocol/errors.ts'
import { databaseName, describeUrl, directUrls, isMongoUrl, optionsOf } from './address.ts'
import { connectFailure, uninitiated } from './connect-failure.ts'
import { makeIndexes } from './schema.ts'
import { AnswersOtherwise, isMongod, lookAlike, tooOld } from './server-kind.ts'
import { isTransient } from './transient.ts'

/** Options that the promises of the ledger need: an address cannot change them. */
const FIXED = {
  retryWrites: true,
  retryReads: true,
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', journal: true },
  ignoreUndefined: true,
} as const

/** Measured in docs/ledger.md: a frozen primary or a cut connection costs seconds, not minutes. An address may change them. */
const TUNING = {
  appName: 'reelmesh',
  maxPoolSize: 10,
  serverSelectionTimeoutMS: 5_000,
  connectTimeoutMS: 2_000,
  heartbeatFrequencyMS: 1_000,
  socketTimeoutMS: 20_000,
  waitQueueTimeoutMS: 5_000,
} as const

function options(url: string): MongoClientOptions {
  const given = optionsOf(url)
  return { ...Object.fromEntries(Object.entries(TUNING).filter(([name]) => !given.has(name))), ...FIXED }
}

/** Time for one server to say what it is, after the set was not found. */
const DIRECT_MS = 2_000
/** Tries of the self-test, and the time between two, which grows by itself: index builds of a new ledger take less than a second. */
const [TRIES, AGAIN_MS] = [20, 50]

/** The wire version of 6.0, whose partial indexes and pipelines were measured. */
const WIRE_VERSION_MIN = 17

/** Rejects with `AnswersOtherwise` where the database does not compute as MongoDB. `token`: of this opening alone. */
export type SelfTest = (client: MongoClient, db: Db, token: string) => Promise<void>

export async function connect(
  { url, clock, rng }: { readonly url: string; readonly clock: Clock; readonly rng: Rng },
  test: SelfTest,
): Promise<{ client: MongoClient; db: Db }> {
  const where = describeUrl(url)
  if (!isMongoUrl(url))
    throw new UsageError(
      'the ledger is neither a file nor an address like mongodb://host:27017/reelmesh?replicaSet=rs0',
    )
  const { client, db } = await said(`the ledger's address (${where}) is not valid`, () => newClient(url))
  try {
    await untilAnswered(clock, () => check(client, url))
    await rights(where, db.databaseName, () => asMongoDoes(client, where, () => makeIndexes(db, where)))
    await untilAnswered(clock, () => asMongoDoes(client, where, () => test(client, db, rng.token())))
    return { client, db }
  } catch (error) {
    // What cannot be closed in order is gone with its connections, and says less than the first error.
    await client.close().catch(() => null)
    throw error
  }
}

/** A client that connects with its first command, and its database. */
export async function newClient(url: string): Promise<{ client: MongoClient; db: Db }> {
  const { MongoClient } = await import('./driver.ts')
  const client = new MongoClient(url, options(url))
  return { client, db: client.db(databaseName(url)) }
}

async function said<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new UsageError(`${what}: ${sentence(error)}`, { cause: error })
  }
}

async function check(client: MongoClient, url: string): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    // With `replicaSet=` the driver drops what is no member of that set.
    if (new URLSearchParams(url.split('?')[1]).has('replicaSet')) await checkEach(url)
    throw connectFailure(error, url)
  }
  await checkServer(client, describeUrl(url), null)
}

/** Asks each server of the address by itself what it is. Rejects where one cannot be used, and says nothing of those that do not answer. */
async function checkEach(url: string): Promise<void> {
  const { MongoClient } = await import('./driver.ts')
  for (const { where, url: direct, replicaSet } of directUrls(url)) {
    const client = new MongoClient(direct, { ...options(direct), serverSelectionTimeoutMS: DIRECT_MS })
    try {
      const isThere = await client.connect().then(
        () => true,
        () => false,
      )
      if (isThere) await checkServer(client, where, replicaSet)
    } finally {
      await client.close()
    }
  }
}

/** `replicaSet`: the name of the set that the server should be of; null where the address does not say. */
async function checkServer(client: MongoClient, where: string, replicaSet: string | null): Promise<void> {
  const hello = await client.db('admin').command({ hello: 1 })
  if (Number(hello.maxWireVersion) < WIRE_VERSION_MIN) {
    const { version } = await buildInfo(client)
    throw new UsageError(tooOld(where, String(version)))
  }
  if (hello.isreplicaset === true) throw new UsageError(uninitiated(where))
  if (!hello.setName && hello.msg !== 'isdbgrid') {
    const build = await buildInfo(client)
    throw new UsageError(isMongod(build) ? single(where) : lookAlike(where, build, null))
  }
  if (replicaSet !== null && hello.setName !== replicaSet)
    throw new UsageError(otherSet(where, hello.setName, replicaSet))
}

/** What a server says of itself; nothing where it does not say it to this user. */
const buildInfo = (client: MongoClient): Promise<Document> =>
  client
    .db('admin')
    .command({ buildInfo: 1 })
    .catch(() => ({}))

const single = (where: string): string =>
  `the MongoDB at ${where} is a single server, not a replica set, so that writes may be lost: start it with --replSet rs0 and run rs.initiate() once (one member is enough)`

const otherSet = (where: string, name: unknown, replicaSet: string): string =>
  `the MongoDB at ${where} is ${name ? `of the replica set ${name}` : 'a router'}, not of ${replicaSet}: correct replicaSet= in the ledger's address`

/** Rejects in a sentence that names the server where it does not do as MongoDB does; with other errors of `act` as they are. */
async function asMongoDoes(client: MongoClient, where: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (error instanceof UsageError || isTransient(error) || hasNoRights(error)) throw error
    const build = await buildInfo(client)
    if (!(error instanceof AnswersOtherwise) && isMongod(build)) throw error
    throw new UsageError(lookAlike(where, build, sentence(error)), { cause: error })
  }
}

/** Repeats the act while others build their indexes, which a transaction does not wait for. */
async function untilAnswered(clock: Clock, act: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (!isTransient(error)) throw error
      if (tries === TRIES) throw new LedgerUnavailable(`the ledger did not answer: ${sentence(error)}`, error)
      await clock.sleep(AGAIN_MS * tries)
    }
  }
}

/** Codes: Unauthorized, and that of Atlas. */
const NO_RIGHTS: readonly unknown[] = [13, 8000]
const hasNoRights = (error: unknown): boolean => NO_RIGHTS.includes((error as { code?: unknown }).code)

async function rights(where: string, database: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (hasNoRights(error)) {
      throw new UsageError(
        `the user of the ledger's address may not read and write the database ${database} at ${where}: grant readWrite on it`,
        { cause: error },
      )
    }
    const why = `the ledger at ${where} cannot be set up in the database ${database}: ${sentence(error)}`
    throw isTransient(error) ? new LedgerUnavailable(why, error) : new UsageError(why, { cause: error })
  }
}
