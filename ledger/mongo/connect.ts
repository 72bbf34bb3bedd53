/**
 * Connects, and creates the collections and indexes that are missing; many processes may start at once. A database that cannot be used
 * (unreachable, no replica set, no rights, too old, of another schema version) is refused in one sentence.
 */
import type { Db, MongoClient, MongoClientOptions } from 'mongodb'
import { LedgerUnavailable, sentence, UsageError } from '../../protocol/errors.ts'
import { databaseName, describeUrl, isMongoUrl, optionsOf } from './address.ts'
import { connectFailure, uninitiated } from './connect-failure.ts'
import { makeIndexes } from './schema.ts'
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

/** The wire version of 6.0, whose partial indexes and pipelines were measured. */
const WIRE_VERSION_MIN = 17

export async function connect(url: string): Promise<{ client: MongoClient; db: Db }> {
  const where = describeUrl(url)
  if (!isMongoUrl(url))
    throw new UsageError(
      'the ledger is neither a file nor an address like mongodb://host:27017/reelmesh?replicaSet=rs0',
    )
  const { MongoClient } = await import('mongodb')
  const client = await said(
    `the ledger's address (${where}) is not valid`,
    async () => new MongoClient(url, options(url)),
  )
  try {
    const db = client.db(databaseName(url))
    await check(client, url)
    await rights(where, db.databaseName, () => makeIndexes(db, where))
    return { client, db }
  } catch (error) {
    await client.close()
    throw error
  }
}

async function said<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new UsageError(`${what}: ${sentence(error)}`, { cause: error })
  }
}

async function check(client: MongoClient, url: string): Promise<void> {
  const where = describeUrl(url)
  try {
    await client.connect()
  } catch (error) {
    throw connectFailure(error, url)
  }
  const hello = await client.db('admin').command({ hello: 1 })
  if (Number(hello.maxWireVersion) < WIRE_VERSION_MIN) {
    const { version } = await client.db('admin').command({ buildInfo: 1 })
    throw new UsageError(
      `the MongoDB at ${where} is ${version}; Reelmesh needs 6.0 or newer: upgrade it, one major version at a time`,
    )
  }
  if (hello.isreplicaset === true) throw new UsageError(uninitiated(where))
  if (!hello.setName && hello.msg !== 'isdbgrid') throw new UsageError(single(where))
}

const single = (where: string): string =>
  `the MongoDB at ${where} is a single server, not a replica set, so that writes may be lost: start it with --replSet rs0 and run rs.initiate() once (one member is enough)`

/** Codes: Unauthorized, and that of Atlas. */
const NO_RIGHTS: readonly unknown[] = [13, 8000]

async function rights(where: string, database: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (NO_RIGHTS.includes((error as { code?: unknown }).code)) {
      throw new UsageError(
        `the user of the ledger's address may not read and write the database ${database} at ${where}: grant readWrite on it`,
        { cause: error },
      )
    }
    const why = `the ledger at ${where} cannot be set up in the database ${database}: ${sentence(error)}`
    throw isTransient(error) ? new LedgerUnavailable(why, error) : new UsageError(why, { cause: error })
  }
}
