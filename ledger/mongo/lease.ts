/** Leases: one document each, one command for each change (docs/ledger.md §5). */
import type { Document } from 'mongodb'
import type { PeerId } from '../../protocol/ids.ts'
import type { Lease, LeaseName } from '../../protocol/ledger.ts'
import { lit } from './bson.ts'
import { after } from './pipeline.ts'
import type { Store } from './store.ts'

const LEADER: LeaseName = 'coordinator'
const FREE = { $lte: [{ $ifNull: ['$expires_at', new Date(0)] }, '$$NOW'] }
const REMAINING = { $max: [0, { $toLong: { $subtract: ['$expires_at', '$$NOW'] } }] }
const NONE: Lease = { holder: null, nonce: '', term: 0, remaining_ms: 0 }

/** The fields of an answer; the remaining time is computed by the database's clock. */
const SHOWN = { _id: 0, holder: 1, nonce: 1, term: 1, remaining_ms: REMAINING }

/** The fields of the lease after the peer asked for it: its own where the lease was free, else those of its holder. */
export function leaseUpdate(me: PeerId, nonce: string, leaseMs: number): Document {
  const latest = after(leaseMs)
  return {
    holder: { $cond: [FREE, lit(me), '$holder'] },
    nonce: { $cond: [FREE, lit(nonce), '$nonce'] },
    term: { $cond: [FREE, { $add: [{ $ifNull: ['$term', 0] }, 1] }, '$term'] },
    expires_at: { $cond: [FREE, latest, { $min: ['$expires_at', latest] }] },
  }
}

/**
 * Creates the lease, takes it where it has expired, and answers it: won when the nonce is the caller's. An expiry further ahead than a renewal
 * sets it, since the clock was set back, is clamped: its holder renews it, or it expires.
 */
export async function acquireLease(store: Store, me: PeerId, nonce: string, name: LeaseName): Promise<Lease> {
  const set = leaseUpdate(me, nonce, store.leaseMs)
  const options = { upsert: true, returnDocument: 'after', projection: SHOWN } as const
  const found = await store.run(() => store.leases.findOneAndUpdate({ _id: name }, [{ $set: set }], options))
  if (!found) throw new Error('MongoDB returned no lease')
  return store.documents.lease(found) ?? NONE
}

const held = (me: PeerId, term: number, name: LeaseName): Document => ({ _id: name, holder: me, term })

export async function renewLease(store: Store, me: PeerId, term: number, name: LeaseName): Promise<boolean> {
  const update = [{ $set: { expires_at: after(store.leaseMs) } }]
  return (await store.run(() => store.leases.updateOne(held(me, term, name), update))).matchedCount === 1
}

export async function releaseLease(store: Store, me: PeerId, term: number, name: LeaseName): Promise<boolean> {
  const update = [{ $set: { expires_at: '$$NOW', holder: null } }]
  return (await store.run(() => store.leases.updateOne(held(me, term, name), update))).matchedCount === 1
}

export async function readLease(store: Store, name: LeaseName): Promise<Lease> {
  const found = await store.run(() => store.leases.findOne({ _id: name }, { projection: SHOWN }))
  return (found && store.documents.lease(found)) ?? NONE
}

/** The present term and time, for inserts. */
export async function readTermAndTime(store: Store): Promise<{ term: number; now: number }> {
  const projection = { _id: 0, term: 1, now: '$$NOW' }
  const found = await store.run(() => store.leases.findOne({ _id: LEADER }, { projection }))
  return found
    ? { term: found.term as number, now: (found.now as Date).getTime() }
    : { term: 0, now: await readTime(store) }
}

export async function readTime(store: Store): Promise<number> {
  const { localTime } = await store.run(() => store.db.admin().command({ hello: 1 }))
  return (localTime as Date).getTime()
}
