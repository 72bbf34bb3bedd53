/**
 * For tests: a real mongod for this process, and the conformance harness on it. Time passes by moving what is stored into the
 * past: the server's clock cannot be moved, and waiting for it would be slow and a matter of luck.
 */
import { MongoClient } from 'mongodb'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { LedgerHarness } from '../../protocol/conformance/ledger.ts'
import type { Ledger, LedgerOptions } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Mongod } from '../../testing/tools/mongod.ts'
import { ledgerFromSteps } from '../ledger-from-steps.ts'
import { tornSteps } from '../torn-steps.fixture.ts'
import { mongoSteps } from './mongo-ledger.ts'

/** Every store is a database of its own; released ones are emptied and used again, which is quicker than a new one. */
export class MongoHarness implements LedgerHarness {
  readonly #mongod: Mongod
  readonly #free: string[] = []
  #client: MongoClient | null = null

  constructor(mongod: Mongod) {
    this.#mongod = mongod
  }

  async create(options: LedgerOptions) {
    const url = this.#free.pop() ?? this.#mongod.freshUri()
    const opened: Ledger[] = []
    const open = async (ledger: Ledger): Promise<Ledger> => {
      await ledger.open()
      opened.push(ledger)
      return ledger
    }
    const steps = () => mongoSteps({ url, clock: systemClock, rng: systemRng, log: silentLog, ...options })
    return {
      ledger: await open(ledgerFromSteps(steps())),
      second: () => open(ledgerFromSteps(steps())),
      torn: (writes: number) => open(ledgerFromSteps(tornSteps(steps(), writes))),
      advance: (ms: number) => this.#intoThePast(url, ms),
      destroy: async () => {
        for (const ledger of opened) await ledger.close()
        await this.#empty(url)
        this.#free.push(url)
      },
    }
  }

  async close(): Promise<void> {
    await this.#client?.close()
  }

  async database(url: string) {
    this.#client ??= await new MongoClient(this.#mongod.uri).connect()
    return this.#client.db(new URL(url.replace(/^mongodb:\/\/[^/]*/, 'http://host')).pathname.slice(1))
  }

  async #empty(url: string): Promise<void> {
    const db = await this.database(url)
    await Promise.all(
      ['videos', 'plans', 'chunks', 'leases', 'notes', 'peers', 'members', 'requests', 'webhooks', 'engines'].map(
        (name) => db.collection(name).deleteMany({}),
      ),
    )
    await db.collection('events').drop()
    await db.createCollection('events', { capped: true, size: 1024 * 1024 })
  }

  async #intoThePast(url: string, ms: number): Promise<void> {
    const db = await this.database(url)
    const moved = (field: string) => ({
      $cond: [{ $eq: [{ $type: field }, 'date'] }, { $subtract: [field, ms] }, field],
    })
    const fields = (...names: string[]) => Object.fromEntries(names.map((name) => [name, moved(`$${name}`)]))
    const inside = (array: string, name: string) => ({
      [array]: {
        $map: { input: `$${array}`, as: 'one', in: { $mergeObjects: ['$$one', { [name]: moved(`$$one.${name}`) }] } },
      },
    })
    const videos = { ...fields('created_at', 'due', 'deadline', 'ended_at'), ...inside('deliveries', 'done_at') }
    const times = fields('start_time', 'end_time', 'created_at', 'claimable_at', 'not_before', 'due')
    const chunks = { ...times, ...inside('claims', 'expires_at'), ...inside('failures', 'at') }
    const moves = {
      videos,
      chunks,
      leases: fields('expires_at'),
      peers: fields('quarantined_until'),
      members: fields('expires_at'),
      requests: fields('expires_at'),
      webhooks: fields('created_at', 'next_at', 'until', 'ended_at'),
      events: fields('at'),
    }
    await Promise.all(
      Object.entries(moves).map(([name, set]) =>
        db.collection(name).updateMany({}, [{ $set: set }], { writeConcern: { w: 'majority' } }),
      ),
    )
  }
}
