/** Leases: one row each, one statement for each change. */
import type { PeerId } from '../../protocol/ids.ts'
import type { Lease, LeaseName } from '../../protocol/ledger.ts'
import type { Row } from './schema.ts'
import type { Store } from './store.ts'

const SHOWN = 'holder, nonce, term, max(0, expires_at - :now) AS remaining_ms'
const NONE: Lease = { holder: null, nonce: '', term: 0, remaining_ms: 0 }
const leaseOf = ({ documents }: Store, row: Row): Lease => documents.lease({ ...row }) ?? NONE

/**
 * Creates the lease, takes it where it has expired, and answers it: won when the nonce is the caller's. An expiry further ahead than a renewal
 * sets it, since the clock was set back, is clamped: its holder renews it, or it expires.
 */
const ACQUIRE = `INSERT INTO leases (_id, holder, nonce, term, expires_at) VALUES (:name, :me, :nonce, 1, :now + :leaseMs)
  ON CONFLICT(_id) DO UPDATE SET
    holder=iif(expires_at <= :now, :me, holder), nonce=iif(expires_at <= :now, :nonce, nonce),
    term=iif(expires_at <= :now, term + 1, term), expires_at=iif(expires_at <= :now, :now + :leaseMs, min(expires_at, :now + :leaseMs))
  RETURNING ${SHOWN}`

export async function acquireLease(store: Store, me: PeerId, nonce: string, name: LeaseName): Promise<Lease> {
  const [row] = await store.write('sure', ACQUIRE, { me, nonce, name, leaseMs: store.leaseMs })
  if (!row) throw new Error('SQLite returned no lease')
  return leaseOf(store, row)
}

const HELD = `_id=:name AND holder=:me AND term=:term`
const RENEW = `UPDATE leases SET expires_at=:now + :leaseMs WHERE ${HELD} RETURNING term`

export async function renewLease(store: Store, me: PeerId, term: number, name: LeaseName): Promise<boolean> {
  return (await store.write('light', RENEW, { me, term, name, leaseMs: store.leaseMs })).length > 0
}

const RELEASE = `UPDATE leases SET expires_at=:now, holder=NULL WHERE ${HELD} RETURNING term`

export async function releaseLease(store: Store, me: PeerId, term: number, name: LeaseName): Promise<boolean> {
  return (await store.write('sure', RELEASE, { me, term, name })).length > 0
}

export async function readLease(store: Store, name: LeaseName): Promise<Lease> {
  const [row] = await store.read(`SELECT ${SHOWN} FROM leases WHERE _id=:name`, { name })
  return row ? leaseOf(store, row) : NONE
}
