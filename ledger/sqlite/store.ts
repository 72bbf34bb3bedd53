/**
 * One connection to a SQLite file; all statements go through this file.
 *
 * Promises: no call waits for another process inside SQLite (busy_timeout is 0): a busy database is retried after 1 → 32 ms,
 * asynchronously, for at most `retryMs`, then `LedgerUnavailable`. Every statement is its own transaction, with `:now` of the injected clock
 * at that try. `light` writes (claims, renewals, and steps that are repeated from what is there) are not synced to the disk one by one: a
 * power cut may lose the last of them, which costs an attempt; `sure` writes are, with every light one before them.
 * Statements block the process; after `TURN_MS` of them the event loop runs once before the answer is given. On a virtual clock statements
 * take no time, so that this never happens.
 *
 * One connection, not two: switching `PRAGMA synchronous` between statements took 0.7 µs.
 * Not for network file systems: SQLite's locks do not hold there.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import { LedgerUnavailable, sentence, UsageError } from '../../protocol/errors.ts'
import type { LedgerOptions } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS, LEDGER_CALL_RETRY_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { checkSchemaVersion, SCHEMA_VERSION } from '../../protocol/schema-version.ts'
import type { Video } from '../../protocol/video.ts'
import { CheckedDocuments } from '../check-documents.ts'
import { KeptDocuments } from '../kept-documents.ts'
import { type Row, SCHEMA, VIDEO_FORM } from './schema.ts'

export interface SqliteOptions extends LedgerOptions {
  /** Path of the file, which is created with its folder; `:memory:` is a database of this ledger alone. */
  path: string
  clock: Clock
  rng: Rng
  log: Log
}

export type Parameters = Readonly<Record<string, string | number | boolean | null>>
export type Durability = 'light' | 'sure'

/** First and longest wait for the lock, which a writer has for one statement only. */
const BUSY_WAIT_MS = { base: 1, max: 32 } as const
/** Time of statements after which the event loop runs: far below `STALL_MS`, as callers need about the same time for the rows. */
const TURN_MS = 10
/** `errcode & 255`: sqlite.org/rescode.html. */
const CODES = { busy: 5, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const

export class Store {
  readonly path: string
  readonly claimMs: number
  readonly leaseMs: number
  readonly clock: Clock
  readonly documents: CheckedDocuments
  readonly keptVideos = new KeptDocuments<Row, Video>(VIDEO_FORM)
  readonly #rng: Rng
  readonly #log: Log
  readonly #retryMs: number
  readonly #statements = new Map<string, StatementSync>()
  #database: DatabaseSync | null = null
  #durability: Durability | null = null
  /** Time of statements since the event loop last ran, ms. */
  #workedMs = 0

  constructor(options: SqliteOptions) {
    this.path = options.path === ':memory:' ? options.path : resolve(options.path)
    this.claimMs = options.claimMs ?? CLAIM_MS
    this.leaseMs = options.leaseMs ?? LEASE_MS
    this.#retryMs = options.retryMs ?? LEDGER_CALL_RETRY_MS
    this.clock = options.clock
    this.#rng = options.rng
    this.#log = options.log
    this.documents = new CheckedDocuments(options.log)
  }

  /** Milliseconds by the clock, whole: what `:now` is bound to. */
  now(): number {
    return Math.floor(this.clock.now())
  }

  async open(): Promise<void> {
    if (this.#database) return
    try {
      if (this.path !== ':memory:') createFile(this.path)
      this.#database = new DatabaseSync(this.path, { timeout: 0, allowUnknownNamedParameters: true })
      await this.#retrying((database) => database.exec('PRAGMA journal_mode=WAL'))
      await this.#retrying((database) => makeSchema(database, this.path))
    } catch (error) {
      this.close()
      if (error instanceof UsageError || error instanceof LedgerUnavailable) throw error
      throw new UsageError(`the ledger ${this.path} cannot be opened: ${openFailure(error)}`, { cause: error })
    }
  }

  close(): void {
    this.#statements.clear()
    this.#database?.close()
    this.#database = null
    this.#durability = null
  }

  /** Rows of a SELECT. */
  async read(sql: string, parameters: Parameters = {}): Promise<Row[]> {
    return await this.#retrying((database) => this.#run(database, sql, parameters))
  }

  /**
   * What `of` makes of each row of a SELECT, but for null. Rows of a long list live for a moment only: all at once they would outlive the young generation,
   * and a collection of the whole heap follows.
   */
  async readEach<T>(sql: string, parameters: Parameters, of: (row: Row) => T | null): Promise<T[]> {
    return await this.#retrying((database) => {
      const made: T[] = []
      for (const row of this.#statement(database, sql).iterate(this.#bound(parameters))) {
        const one = of(row)
        if (one !== null) made.push(one)
      }
      return made
    })
  }

  /** One writing statement; the rows of its RETURNING. */
  async write(durability: Durability, sql: string, parameters: Parameters = {}): Promise<Row[]> {
    return await this.#retrying((database) => {
      if (this.#durability !== durability) {
        database.exec(`PRAGMA synchronous=${durability === 'sure' ? 'FULL' : 'NORMAL'}`)
        this.#durability = durability
      }
      return this.#run(database, sql, parameters)
    })
  }

  /** Runs a statement with `all`, never `get`: one that is not stepped to its end would commit later, and its error would be lost. */
  #run(database: DatabaseSync, sql: string, parameters: Parameters): Row[] {
    return this.#statement(database, sql).all(this.#bound(parameters))
  }

  #statement(database: DatabaseSync, sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #bound(parameters: Parameters): Record<string, SQLInputValue> {
    return bound({ ...parameters, now: this.now() })
  }

  #timed<T>(act: (database: DatabaseSync) => T, database: DatabaseSync): T {
    const began = this.clock.mono()
    try {
      return act(database)
    } finally {
      this.#workedMs += this.clock.mono() - began
    }
  }

  async #giveWay(): Promise<void> {
    this.#workedMs = 0
    await this.clock.sleep(0)
  }

  async #retrying<T>(act: (database: DatabaseSync) => T): Promise<T> {
    const giveUpAt = this.clock.mono() + this.#retryMs
    for (let tries = 0; ; tries++) {
      if (!this.#database) throw new Error(`the ledger ${this.path} is not open`)
      try {
        const answer = this.#timed(act, this.#database)
        if (this.#workedMs >= TURN_MS) await this.#giveWay()
        return answer
      } catch (error) {
        if (!isTransient(error)) throw error
        if (this.clock.mono() >= giveUpAt) throw away(this.path, error)
        if (tries === 12) this.#log.debug('the ledger is busy', { path: this.path, tries })
        await this.clock.sleep(backoffMs({ tries, baseMs: BUSY_WAIT_MS.base, maxMs: BUSY_WAIT_MS.max, rng: this.#rng }))
      }
    }
  }
}

/** Creates the file for this user alone where it is missing: SQLite gives its other files the same mode. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}

/** Parameters for SQLite: integers as INTEGER (a JavaScript number would be REAL, and `1.0` in JSON), booleans as 0 and 1. */
function bound(parameters: Parameters): Record<string, SQLInputValue> {
  const made: Record<string, SQLInputValue> = {}
  for (const [name, value] of Object.entries(parameters)) {
    made[name] =
      typeof value === 'boolean' ? Number(value) : Number.isSafeInteger(value) ? BigInt(value as number) : value
  }
  return made
}

/** Creates the tables in one transaction, after a check inside it: many processes may start at once. */
function makeSchema(database: DatabaseSync, path: string): void {
  // Whether it is a ledger at all is asked inside the transaction: another process may create the tables between two reads.
  if (userVersion(database) === SCHEMA_VERSION) return
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = versionOf(database, path)
    if (version !== SCHEMA_VERSION) {
      for (const statement of SCHEMA) database.exec(statement)
      database.exec(`PRAGMA user_version=${SCHEMA_VERSION}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const userVersion = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').all()[0]?.user_version)

function versionOf(database: DatabaseSync, path: string): number {
  const version = userVersion(database)
  if (version !== 0) checkSchemaVersion(`the ledger ${path}`, version, 'another data folder')
  if (version === 0 && database.prepare(`SELECT 1 FROM sqlite_schema WHERE type='table' LIMIT 1`).all().length > 0) {
    throw new UsageError(`${path} is a SQLite database, but not a Reelmesh ledger: give another path`)
  }
  return version
}

const codeOf = (error: unknown): number => Number((error as { errcode?: number } | null)?.errcode ?? 0) & 255

function isTransient(error: unknown): boolean {
  const code = codeOf(error)
  return code === CODES.busy || code === CODES.full || code === CODES.ioerr
}

function away(path: string, error: unknown): LedgerUnavailable {
  const full = codeOf(error) === CODES.full
  const why = full
    ? 'its disk is full'
    : codeOf(error) === CODES.busy
      ? 'it is locked by another process'
      : sentence(error)
  return new LedgerUnavailable(
    `the ledger ${path} did not answer: ${why}`,
    full ? Object.assign(new Error(why, { cause: error }), { code: 'ENOSPC' }) : error,
  )
}

function openFailure(error: unknown): string {
  const code = codeOf(error)
  if (code === CODES.notadb || code === CODES.corrupt) return 'it is not a SQLite database, or a damaged one'
  if (code === CODES.readonly) return 'it may not be written by this user'
  const isRefused = ['EISDIR', 'EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')
  if (code === CODES.cantopen || isRefused) return 'the file cannot be created or read there by this user'
  return sentence(error)
}
