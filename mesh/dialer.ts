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

/** Concurrent dials; fewer after a stall of this process, so that handshakes do not starve it further. */
const AT_ONCE = { usual: 8, afterStall: 2 }

/** The address book, and the parts that the loop uses. */
export interface DialerOptions {
  readonly book: AddressBook
  readonly clock: Clock
  readonly log: Log
  readonly dial: (addresses: Multiaddr[]) => Promise<{ readonly remotePeer: Libp2pPeerId }>
  readonly connected: () => ReadonlySet<PeerId>
  readonly hasStalled: () => boolean
}

/** The running redial loop. */
export interface Dialer {
  /** Checks the book now: an address was learned, or a connection closed. */
  wake(): void
  stop(): void
}

/** Failed handshakes of a join address in a row before a warning: a single one may be a peer that is stopping. */
const BROKEN_OFF_LOGGED = 3

/** Starts the loop, which runs until `stop`. */
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
      options.log.debug('dial failed', { target: target.key, error: sentence(error) })
      if (isJoin(target) && isBrokenOff(error)) countBrokenOff(target.key)
    } finally {
      dialling--
      wake()
    }
  }

  /** Warns once: the address is dialled without end. */
  const countBrokenOff = (address: string) => {
    const times = (brokenOff.get(address) ?? 0) + 1
    brokenOff.set(address, times)
    if (times === BROKEN_OFF_LOGGED)
      options.log.warn('handshake failed; does the peer use the same mesh key?', {
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

/** Every node may have the same list of join addresses: its own is removed after the first dial. */
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
 * A peer listens and the handshake fails: with another mesh key the other side aborts (`guarded-pnet.ts`), or its bytes are not
 * understood. A passed deadline is no such sign: the network may be cut, or the machine overloaded.
 */
const isBrokenOff = (error: unknown) =>
  /ECONNRESET|too long|missing newline|unexpected end|ended|EOF/i.test(sentence(error))

/** A join address is dialled as given: the peer there may have a new identity. */
function withPeer(address: string, target: Target): Multiaddr {
  const { peer } = target
  return multiaddr(isJoin(target) || peer === null ? address : `${address}/p2p/${peer}`)
}
