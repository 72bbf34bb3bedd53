/**
 * The redial loop: dials what the address book says is due, without end. libp2p's own `bootstrap` tries once and its
 * keep-alive gives up after half a minute.
 */
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { CONNECTIONS_MAX } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { AddressBook, Target } from './address-book.ts'

/** Dials at once; after an own stall fewer, so that a starved node does not drown itself in handshakes. */
const AT_ONCE = { usual: 8, afterStall: 2 }

export interface DialerOptions {
  readonly book: AddressBook
  readonly clock: Clock
  readonly log: Log
  readonly dial: (addresses: Multiaddr[]) => Promise<{ readonly remotePeer: Libp2pPeerId }>
  readonly connected: () => ReadonlySet<PeerId>
  readonly hasStalled: () => boolean
}

export interface Dialer {
  /** Looks again now: something was learnt, lost or found. */
  wake(): void
  stop(): void
}

/** Handshakes of a join address that were broken off in a row before it is told: one may be a peer that just stops. */
const BROKEN_OFF_LOGGED = 3

export function startDialer(options: DialerOptions): Dialer {
  const { book, clock, connected } = options
  const brokenOff = new Map<string, number>()
  let dialling = 0
  let isStopped = false
  let cancel = () => {}

  const wake = () => {
    cancel()
    if (isStopped) return
    const open = connected()
    const { targets, nextMs } = book.due(open, { joinsOnly: open.size >= CONNECTIONS_MAX })
    const atOnce = options.hasStalled() ? AT_ONCE.afterStall : AT_ONCE.usual
    for (const target of targets.slice(0, Math.max(0, atOnce - dialling))) void attempt(target)
    if (nextMs !== null) cancel = clock.timer(Math.ceil(nextMs), wake)
  }

  const attempt = async (target: Target) => {
    dialling++
    book.dialling(target.key)
    try {
      await dialTarget(target, options)
      brokenOff.delete(target.key)
    } catch (error) {
      if (isSelf(error)) return book.forget(target.key)
      book.failed(target.key)
      options.log.debug('dial failed', { target: target.key, why: sentence(error) })
      if (isJoin(target) && isBrokenOff(error)) countBrokenOff(target.key)
    } finally {
      dialling--
      wake()
    }
  }

  /** Told once: it is dialled without end. */
  const countBrokenOff = (address: string) => {
    const times = (brokenOff.get(address) ?? 0) + 1
    brokenOff.set(address, times)
    if (times === BROKEN_OFF_LOGGED)
      options.log.warn('something answers there but is no peer of this mesh: is the mesh key the same on both hosts?', {
        address,
      })
  }

  wake()
  return {
    wake,
    stop: () => {
      isStopped = true
      cancel()
    },
  }
}

/** The same list of join addresses may be given to every node: its own among them is not dialled twice. */
const isSelf = (error: unknown) => /dial self/i.test(sentence(error))

async function dialTarget(target: Target, { book, dial, connected }: DialerOptions): Promise<void> {
  const connection = await dial(target.addresses.map((address) => withPeer(address, target)))
  const peer = asPeerId(connection.remotePeer.toString())
  book.answered(target.key, peer)
  book.learn(peer, target.addresses)
  if (!connected().has(peer)) throw new Error('the connection closed at once')
}

const isJoin = ({ key, peer }: Target) => key !== peer

/**
 * Somebody listens, and the handshake comes to nothing: with another mesh key the other side breaks off (`guarded-pnet.ts`)
 * or is understood as noise. A deadline that passes says nothing (a cut, a starved machine).
 */
const isBrokenOff = (error: unknown) =>
  /ECONNRESET|too long|missing newline|unexpected end|ended|EOF/i.test(sentence(error))

/** A join address is dialled as it was given: the peer behind it may have a new identity. */
function withPeer(address: string, target: Target): Multiaddr {
  const { peer } = target
  return multiaddr(isJoin(target) || peer === null ? address : `${address}/p2p/${peer}`)
}
