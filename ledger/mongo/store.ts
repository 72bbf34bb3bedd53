/**
 * One MongoDB database; all commands go through this file.
 *
 * Promises: transient errors (a lost connection, an election, a server that answers late) are retried with backoff for at most
 * `retryMs`, then `LedgerUnavailable`; before a command whose reply was lost is retried, `readBack` may find that it had been applied. A call that the driver
 * never ends is unavailable too, after `ENDED_MS`. Writes are acknowledged by a majority and journaled, reads are of majority-committed data.
 *
 * `mongodb` is loaded (`driver.ts`) when the ledger is opened: a node on SQLite never loads it. Its options are
 * those of the measurements in docs/ledger.md; `timeoutMS` is never set (it mixed up replies of pooled connections).
 */
import type { Collection, Db, Document, FindCursor, MongoClient } from 'mongodb'
import { backoffMs, type Clock, type Rng, within } from '../../protocol/clock.ts'
import { LedgerUnavailable, sentence } from '../../protocol/errors.ts'
import type { LedgerOptions, PeerRecord } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS, LEDGER_CALL_RETRY_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { CheckedDocuments } from '../check-documents.ts'
import { KeptDocuments } from '../kept-documents.ts'
import { databaseName, describeUrl } from './address.ts'
import { connect, newClient, type SelfTest } from './connect.ts'
import { BYTES } from './stored-bytes.ts'
import { isTransient } from './transient.ts'

export interface MongoOptions extends LedgerOptions {
  /** `mongodb://…` or `mongodb+srv://…`; its database is `reelmesh` where it names none. */
  url: string
  clock: Clock
  rng: Rng
  log: Log
  /** Time for the driver to end one try of a call, ms; `ENDED_MS` where it is left out. */
  endedMs?: number
}

export interface Doc extends Document {
  _id: string
}

/** An event, under its number. */
export interface EventDoc extends Document {
  _id: number
}

/**
 * By then the driver has ended every call that it ever ends: its two tries each find a server and a connection in 5 s and wait 20 s for the socket. Where a
 * connection ends while a long command is being written to a server that takes nothing, it waits for ever, for the socket to drain.
 */
const ENDED_MS = 60_000

const WAIT_MS = { base: 50, max: 2_000 } as const
const LOST_MS = { base: 2, max: 250 } as const
const CONTROL_TASKS_KEPT = 2_048
/** Documents in one answer of a look at everything: what the driver makes of them dies before its young generation is full. */
const SMALL_BATCH = 200
/** Documents in one answer: of its own accord the server answers 101 first, and the others to a second command. */
export const BATCH = 1_000

export class Store {
  readonly description: string
  readonly claimMs: number
  readonly leaseMs: number
  readonly rng: Rng
  readonly documents: CheckedDocuments
  readonly keptVideos = new KeptDocuments<Uint8Array, Video>(BYTES)
  readonly keptPeers = new KeptDocuments<Uint8Array, PeerRecord>(BYTES)
  /** Of whole videos: each look at control tasks reads all that are open. */
  readonly keptTasks = new KeptDocuments<Uint8Array, Task>(BYTES, CONTROL_TASKS_KEPT)
  readonly #options: MongoOptions
  readonly #retryMs: number
  #client: MongoClient | null = null
  #parse: ((stored: Uint8Array) => Document) | null = null
  #db: Db | null = null
  #closing = new AbortController()

  constructor(options: MongoOptions) {
    this.#options = options
    this.rng = options.rng
    this.documents = new CheckedDocuments(options.log)
    this.description = `MongoDB ${describeUrl(options.url)}, database ${databaseName(options.url)}`
    this.claimMs = options.claimMs ?? CLAIM_MS
    this.leaseMs = options.leaseMs ?? LEASE_MS
    this.#retryMs = options.retryMs ?? LEDGER_CALL_RETRY_MS
  }

  /** `test`: whether the database computes as the ledger needs it. */
  async open(test: SelfTest): Promise<void> {
    if (this.#client) return
    const { client, db } = await connect(this.#options, test)
    const { BSON } = await import('./driver.ts')
    this.#parse = BSON.deserialize
    this.#closing = new AbortController()
    this.#client = client
    this.#db = db
  }

  async close(): Promise<void> {
    this.#closing.abort(new LedgerUnavailable('the ledger was closed'))
    const client = this.#client
    this.#client = null
    this.#db = null
    await this.#closed(client)
  }

  /** A document that was read with `raw`. */
  parse(stored: Uint8Array): Document {
    if (!this.#parse) throw new LedgerUnavailable(`the ledger (${this.description}) is not open`)
    return this.#parse(stored)
  }

  get db(): Db {
    if (!this.#db) throw new LedgerUnavailable(`the ledger (${this.description}) is not open`)
    return this.#db
  }
  get videos(): Collection<Doc> {
    return this.db.collection<Doc>('videos')
  }
  get plans(): Collection<Doc> {
    return this.db.collection<Doc>('plans')
  }
  get chunks(): Collection<Doc> {
    return this.db.collection<Doc>('chunks')
  }
  get leases(): Collection<Doc> {
    return this.db.collection<Doc>('leases')
  }
  get notes(): Collection<Doc> {
    return this.db.collection<Doc>('notes')
  }
  get requests(): Collection<Doc> {
    return this.db.collection<Doc>('requests')
  }
  get webhooks(): Collection<Doc> {
    return this.db.collection<Doc>('webhooks')
  }
  get members(): Collection<Doc> {
    return this.db.collection<Doc>('members')
  }
  get peers(): Collection<Doc> {
    return this.db.collection<Doc>('peers')
  }
  get engines(): Collection<Doc> {
    return this.db.collection<Doc>('engines')
  }
  get events(): Collection<EventDoc> {
    return this.db.collection<EventDoc>('events')
  }

  /** Runs a command with retries. `readBack` answers the result of an earlier try, or undefined where it had not been applied. */
  async run<T>(act: () => Promise<T>, readBack?: () => Promise<T | undefined>): Promise<T> {
    const { clock, rng, log } = this.#options
    const giveUpAt = clock.mono() + this.#retryMs
    for (let tries = 0; ; tries++) {
      try {
        return await this.#ended(async () => {
          const done = tries > 0 && readBack ? await this.#afterAll(readBack) : undefined
          return done === undefined ? await act() : done
        })
      } catch (error) {
        if (!isTransient(error)) throw error
        if (tries === 0) log.debug('the ledger did not answer; retrying', { error: sentence(error) })
        if (clock.mono() >= giveUpAt || this.#closing.signal.aborted) throw error
        await clock.sleep(backoffMs({ tries, baseMs: WAIT_MS.base, maxMs: WAIT_MS.max, rng }), this.#closing.signal)
      }
    }
  }

  /** Waits before a compare that lost against others is tried once more. */
  async lost(tries: number): Promise<void> {
    const { clock, rng } = this.#options
    await clock.sleep(backoffMs({ tries, baseMs: LOST_MS.base, maxMs: LOST_MS.max, rng }), this.#closing.signal)
  }

  /** Finds at most `limit` documents, or all (the driver's limit 0 means all, too). */
  async find<D>(limit: number | undefined, find: (limit: number) => FindCursor<D>): Promise<D[]> {
    if (limit === 0) return []
    const all = () => find(limit ?? 0).batchSize(BATCH)
    return await this.run(() => all().toArray())
  }

  /**
   * What `of` makes of each document that is found, but for null. Those of a long list live for a moment only: all at once they would outlive the young
   * generation, and a collection of the whole heap follows.
   */
  async findEach<D, T>(find: () => FindCursor<D>, of: (found: D) => T | null): Promise<T[]> {
    return await this.run(async () => {
      const [made, cursor]: [T[], FindCursor<D>] = [[], find().batchSize(SMALL_BATCH)]
      for await (const first of cursor)
        for (const found of [first, ...cursor.readBufferedDocuments()]) {
          const one = of(found as D)
          if (one !== null) made.push(one)
        }
      return made
    })
  }

  /**
   * Waits for all earlier writes by a write that matches nothing but is acknowledged by a majority: what an earlier try has applied is then
   * visible to the read, even on a new primary.
   */
  async #afterAll<T>(readBack: () => Promise<T>): Promise<T> {
    await this.leases.updateOne({ _id: 'barrier' }, { $set: { at: 0 } })
    return await readBack()
  }

  /** What `act` answers. Where it never ends, its connection is never used again, so that a new client takes the place of the old. */
  async #ended<T>(act: () => Promise<T>): Promise<T> {
    const { clock, endedMs = ENDED_MS, url } = this.#options
    const used = this.#client
    const answer = await within(clock, endedMs, act())
    if (answer !== 'late') return answer
    const { MongoNetworkTimeoutError } = await import('./driver.ts')
    const { client, db } = await newClient(url)
    if (used !== null && this.#client === used) {
      this.#client = client
      this.#db = db
      void this.#closed(used)
    }
    throw new MongoNetworkTimeoutError(`no answer in ${endedMs / 1_000} s`)
  }

  async #closed(client: MongoClient | null): Promise<void> {
    await client
      ?.close()
      .catch((error) => this.#options.log.debug('the ledger did not close', { error: sentence(error) }))
  }
}
