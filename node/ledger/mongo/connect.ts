/**
 * Connecting, and saying in one sentence what is wrong when the ledger cannot serve: unreachable, no replica set, no rights,
 * too old, made by a newer Reelmesh. Creates what is missing; harmless when many processes start at once.
 */
import type { Db, MongoClient, MongoClientOptions, MongoServerSelectionError, ServerDescription } from 'mongodb'
import { sentence, UsageError } from '../../../protocol/errors.ts'
import { databaseName, describeUrl, isMongoUrl, optionsOf } from './address.ts'
import { makeIndexes } from './schema.ts'

/** What the ledger's promises rest on: an address cannot change it. */
const FIXED = {
  retryWrites: true,
  retryReads: true,
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', journal: true },
  ignoreUndefined: true,
} as const

/** Measured in docs/ledger.md: a frozen primary or a cut connection costs seconds, not minutes. An address may say otherwise. */
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
    `the ledger's address (${where}) is not understood`,
    async () => new MongoClient(url, options(url)),
  )
  try {
    const db = client.db(databaseName(url))
    await check(client, where)
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

async function check(client: MongoClient, where: string): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    throw new UsageError(connectFailure(error, where), { cause: error })
  }
  const hello = await client.db('admin').command({ hello: 1 })
  if (Number(hello.maxWireVersion) < WIRE_VERSION_MIN) {
    const { version } = await client.db('admin').command({ buildInfo: 1 })
    throw new UsageError(`the MongoDB at ${where} is ${version}; Reelmesh needs 6.0 or newer`)
  }
  if (!hello.setName && hello.msg !== 'isdbgrid') throw new UsageError(single(where))
}

const single = (where: string): string =>
  `the MongoDB at ${where} is a single server, not a replica set, so that writes may be lost: start it with --replSet rs0 and run rs.initiate() once (one member is enough)`

function connectFailure(error: unknown, where: string): string {
  const code = (error as { code?: unknown }).code
  if (code === 18 || code === 8000)
    return `the MongoDB at ${where} refuses the user or password of the ledger's address`
  const servers = [...((error as MongoServerSelectionError).reason?.servers?.values() ?? [])] as ServerDescription[]
  if (servers.some(({ type }) => type === 'RSGhost'))
    return `the replica set of the MongoDB at ${where} was never initiated: run rs.initiate() there once`
  if (servers.some(({ error: why }) => (why as { code?: unknown } | null)?.code === 18)) {
    return `the MongoDB at ${where} refuses the user or password of the ledger's address`
  }
  const why = servers.map(({ error: cause }) => cause && sentence(cause)).find(Boolean)
  if (why) return `no MongoDB answers at ${where} (${why}): start it, or correct the ledger's address`
  // With `replicaSet=` the driver drops servers that are not of that set, and then says only that it has none.
  if (error instanceof Error && error.name === 'MongoServerSelectionError') {
    return `no primary of the replica set that the ledger's address names answers at ${where}: is it a replica set of that name, with a majority of members running?`
  }
  return `the ledger at ${where} cannot be opened: ${sentence(error)}`
}

/** Unauthorized, and Atlas's word for it. */
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
    throw new UsageError(`the ledger at ${where} cannot be set up in the database ${database}: ${sentence(error)}`, {
      cause: error,
    })
  }
}
