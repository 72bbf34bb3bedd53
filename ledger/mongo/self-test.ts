/**
 * The self-test of a database, at each opening: whether the shapes of commands on which the ledger rests (docs/ledger.md, A) are computed as MongoDB
 * computes them. A server that merely speaks its protocol may find dates of the future with `$$NOW`, and a claim would be taken twice.
 *
 * Promises: it leaves nothing behind, also where its process is killed, as all its documents are of one transaction that is never committed; any
 * number of processes may run it at once, each on ids and a class of its own; no task of others is touched.
 */
import type { ClientSession, Collection, Db, Document, MongoClient } from 'mongodb'
import { asPeerId, asToken, type TaskId } from '../../protocol/ids.ts'
import { lit } from './bson.ts'
import { claimable } from './claim-next.ts'
import { leaseUpdate } from './lease.ts'
import { after, appended, claimsWithout, mine, SETTLE, start, startBackup } from './pipeline.ts'
import { AnswersOtherwise } from './server-kind.ts'
import type { Doc } from './store.ts'
import { isTransient } from './transient.ts'

const PAST = new Date('2000-01-01T00:00:00Z')
const FUTURE = new Date('2096-01-01T00:00:00Z')
const HOLD_MS = 45_000
/** A text that is a path of a field where it is not taken literally. */
const TEXT = '$rank lost'
/** The code of a hint that names no index. */
const BAD_VALUE = 2

/** Rejects with `AnswersOtherwise`, and with errors of the driver. `token`: of this opening alone. */
export async function selfTest(client: MongoClient, db: Db, token: string): Promise<void> {
  const chunks = db.collection<Doc>('chunks')
  await refusesMissingHint(chunks)
  const session = client.startSession()
  try {
    session.startTransaction()
    await new Shapes(chunks, session, token).run()
  } finally {
    if (session.inTransaction()) await session.abortTransaction().catch(() => {})
    await session.endSession().catch(() => null)
  }
}

async function refusesMissingHint(chunks: Collection<Doc>): Promise<void> {
  const hint = 'no such index' as unknown as Document
  const code = await chunks.findOne({ status: 'PENDING' }, { hint }).then(
    () => null,
    (error: { code?: unknown }) => {
      if (isTransient(error)) throw error
      return error.code
    },
  )
  if (code !== BAD_VALUE) throw new AnswersOtherwise('it takes an index that does not exist')
}

class Shapes {
  readonly #chunks: Collection<Doc>
  readonly #session: ClientSession
  readonly #name: string
  readonly #ask

  constructor(chunks: Collection<Doc>, session: ClientSession, token: string) {
    this.#chunks = chunks
    this.#session = session
    this.#name = `self-test/${token}`
    this.#ask = { worker: asPeerId('self-test'), token: asToken(token) }
  }

  async run(): Promise<void> {
    const session = this.#session
    await this.#chunks.insertMany([this.#task('due', PAST), this.#task('later', FUTURE)] as Doc[], { session })
    await this.#finds()
    await this.#claims()
    await this.#settles()
    await this.#leases()
  }

  #task(name: string, when: Date): Document {
    const times = { not_before: when, claimable_at: when, due: when }
    const zeros = { priority: 0, rank: 0, attempt: 0 }
    return {
      _id: `${this.#name}/${name}`,
      status: 'PENDING',
      class: this.#name,
      ...times,
      ...zeros,
      claims: [],
      failures: [],
    }
  }

  #id = (name: string) => `${this.#name}/${name}` as TaskId

  async #finds(): Promise<void> {
    const filter = { ...claimable('pending', this.#ask), class: { $in: [this.#name] } }
    const options = { session: this.#session, hint: 'claim' as unknown as Document }
    const found = await this.#chunks.find(filter, options).toArray()
    expect(found.length === 1 && found[0]?._id === this.#id('due'), '$$NOW in a filter')
  }

  async #claims(): Promise<void> {
    const claim = async () => {
      const filter = { ...claimable('pending', this.#ask), class: { $in: [this.#name] } }
      const options = {
        session: this.#session,
        sort: { priority: -1, due: 1, rank: 1, _id: 1 },
        hint: 'claim' as unknown as Document,
        returnDocument: 'after',
      } as const
      return await this.#chunks.findOneAndUpdate(filter, start(this.#ask, HOLD_MS), options)
    }
    const claimed = await claim()
    expect(claimed?._id === this.#id('due') && claimed.status === 'PROCESSING', 'a claim')
    const holdMs = Number(claimed?.claimable_at) - Number(claimed?.start_time)
    expect(
      holdMs === HOLD_MS && Number(claimed?.claims[0]?.expires_at) === Number(claimed?.claimable_at),
      'the time of a claim',
    )
    expect((await claim()) === null, 'a claim of what is not due yet')
    const expired = { ...claimable('expired', this.#ask), class: { $in: [this.#name] } }
    expect((await this.#chunks.findOne(expired, { session: this.#session })) === null, 'the expiry of a claim')
  }

  async #settles(): Promise<void> {
    const options = { session: this.#session, returnDocument: 'after' } as const
    const both = await this.#chunks.findOneAndUpdate(
      { _id: this.#id('due') },
      startBackup(this.#ask, 2 * HOLD_MS),
      options,
    )
    const [first, second] = both?.claims ?? []
    expect(both?.claims.length === 2 && second.attempt === first.attempt + 1, 'a second claim')
    expect(Number(both?.claimable_at) === Number(second.expires_at), 'the latest of two dates')
    const attempt = { task: this.#id('due'), attempt: first.attempt, worker: this.#ask.worker }
    const failure = { $mergeObjects: [lit({ message: TEXT }), { at: '$$NOW' }] }
    const set = {
      claims: claimsWithout({ $eq: ['$$claim.attempt', first.attempt] }),
      failures: appended('$failures', failure, 5),
      not_before: after(0),
    }
    const end = [{ $set: set }, ...SETTLE]
    const ended = await this.#chunks.findOneAndUpdate(mine(attempt), end, options)
    expect(ended?.claims.length === 1 && ended.status === 'PROCESSING', 'the end of one of two claims')
    expect(ended?.failures[0]?.message === TEXT, 'a text in a pipeline')
    expect((await this.#chunks.findOneAndUpdate(mine(attempt), end, options)) === null, 'the fence of an ended claim')
  }

  /** The lease's upsert creates it for the first who asks, and answers the first to the second. */
  async #leases(): Promise<void> {
    for (const nonce of ['first', 'second']) {
      const options = { session: this.#session, upsert: true, returnDocument: 'after' } as const
      const update = [{ $set: leaseUpdate(this.#ask.worker, nonce, HOLD_MS) }]
      const lease = await this.#chunks.findOneAndUpdate({ _id: this.#id('lease') }, update, options)
      expect(lease?.nonce === 'first' && lease.term === 1, 'a lease that is held')
    }
  }
}

function expect(isSo: boolean, what: string): void {
  if (!isSo) throw new AnswersOtherwise(what)
}
