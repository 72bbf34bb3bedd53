/** A list of members that names every peer: for tests and benchmarks without a ledger. */
import type { Membership } from '../node/peers/membership.ts'

export const ANY_PEER: Membership = {
  has: () => true,
  admits: async () => true,
  look: () => {},
  listen: () => () => {},
  start: async () => {},
  stop: () => {},
}
