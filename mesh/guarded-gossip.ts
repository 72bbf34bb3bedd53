/**
 * gossipsub with bounds for each connection and author. gossipsub takes as many messages as arrive, verifies the signature of each, and passes on
 * whatever is signed. Here a message is dropped before its signature is verified where the connection that brought it, or its author over this
 * connection, exceeds its rate; afterwards, what an author sends over all connections together. What does not decode is dropped and not passed on.
 *
 *   message ──► rate of the connection ──► rate of its author here ──► signature ──► decoding ──► rate of the author ──► heard, passed on
 *
 * Authors and connections that are no members share one small rate, and their number per connection and minute is bounded: an identity costs
 * nothing. An invalid message costs its connection as much as many valid ones: an honest peer passes on only what it has verified.
 */
import { type GossipSub, type Message, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { Clock } from '../protocol/clock.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { CONNECTIONS_MAX, GOSSIP_RATES, PEERS_REMEMBERED } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import { TOPICS, type Topic } from '../protocol/mesh.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

/** What the guard knows of peers and messages. */
export interface GossipRules {
  isMember(peer: PeerId): boolean
  /** Whether an honest peer may have sent this; never throws. */
  isWellFormed(topic: Topic, data: Uint8Array): boolean
}

/** Why a message was dropped. */
export type GossipDrop = 'rate' | 'strangers' | 'invalid' | 'malformed'

/** The guard of one node's gossip. */
export interface GossipGuard {
  /** Messages dropped so far, by reason. */
  dropped(): Readonly<Record<GossipDrop, number>>
}

/** The parts that the guard uses. `topicName`: the name of a topic on the wire; `gossip`: default, everybody is a member and all is well-formed. */
export interface GossipGuardOptions {
  readonly pubsub: GossipSub
  readonly gossip?: GossipRules
  readonly topicName: (topic: Topic) => string
  readonly clock: Pick<Clock, 'mono'>
  readonly log: Log
}

interface RawMessage {
  readonly from?: Uint8Array
}
interface Peer {
  toString(): string
}
/** What gossipsub calls for each message that arrives, and what verifies it there. Both are private in its types. */
interface Inside {
  handleReceivedMessage(from: Peer, message: RawMessage): Promise<void>
  validateReceivedMessage(from: Peer, message: RawMessage): Promise<{ readonly code: string; readonly error?: string }>
}

const MINUTE_MS = 60_000
const LOG_MS = 60_000

/** Puts the bounds around a gossipsub, before it is started. */
export const guardGossip = (options: GossipGuardOptions): GossipGuard => new Guard(options)

/** What arrives over one connection. Other peers' names may be used there: only their signatures, which come later, say that it was they. */
class Link {
  readonly all: TokenBucket
  readonly strangers: TokenBucket
  readonly #clock: Pick<Clock, 'mono'>
  readonly #authors = new Map<PeerId, TokenBucket>()
  #newcomers = new Set<PeerId | null>()
  #minuteEnds = 0

  constructor(clock: Pick<Clock, 'mono'>) {
    this.#clock = clock
    this.all = createTokenBucket(GOSSIP_RATES.connection, clock)
    this.strangers = createTokenBucket(GOSSIP_RATES.stranger, clock)
  }

  author(id: PeerId): TokenBucket {
    return entryOf(this.#authors, id, () => createTokenBucket(GOSSIP_RATES.author, this.#clock))
  }

  /** Whether this stranger is among the first of this minute. */
  admitsStranger(id: PeerId | null): boolean {
    const now = this.#clock.mono()
    if (now >= this.#minuteEnds) {
      this.#newcomers = new Set()
      this.#minuteEnds = now + MINUTE_MS
    }
    if (this.#newcomers.size < GOSSIP_RATES.strangersPerMinute) this.#newcomers.add(id)
    return this.#newcomers.has(id)
  }
}

class Guard implements GossipGuard {
  readonly #options: GossipGuardOptions
  readonly #rules: GossipRules
  readonly #links = new Map<PeerId, Link>()
  readonly #authors = new Map<PeerId, TokenBucket>()
  readonly #strangers: TokenBucket
  readonly #dropped: Record<GossipDrop, number> = { rate: 0, strangers: 0, invalid: 0, malformed: 0 }
  readonly #names = new Map<string, PeerId | null>()
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(options: GossipGuardOptions) {
    this.#options = options
    this.#rules = options.gossip ?? { isMember: () => true, isWellFormed: () => true }
    this.#strangers = createTokenBucket(GOSSIP_RATES.strangers, options.clock)
    const { pubsub, topicName } = options
    this.#guardRates(pubsub as unknown as Inside)
    const validators = (pubsub as unknown as { topicValidators: Map<string, unknown> }).topicValidators
    for (const topic of TOPICS)
      validators.set(topicName(topic), (from: Peer, message: Message) => this.#judge(topic, from, message))
  }

  dropped(): Readonly<Record<GossipDrop, number>> {
    return { ...this.#dropped }
  }

  #guardRates(inside: Inside): void {
    const handle = inside.handleReceivedMessage.bind(inside)
    const validate = inside.validateReceivedMessage.bind(inside)
    inside.handleReceivedMessage = async (from, message) => {
      const source = asPeerId(from.toString())
      const why = this.#excess(source, this.#authorOf(message))
      if (why !== null) return this.#drop(why, source)
      await handle(from, message)
    }
    inside.validateReceivedMessage = async (from, message) => {
      const result = await validate(from, message)
      if (result.error !== undefined) this.#blame(asPeerId(from.toString()), 'invalid')
      return result
    }
  }

  /** Why a message is dropped before anything of it is verified, or null. */
  #excess(source: PeerId, author: PeerId | null): GossipDrop | null {
    const { isMember } = this.#rules
    const link = this.#link(source)
    if (!link.all.take()) return 'rate'
    if (author !== null && isMember(author) && isMember(source)) return link.author(author).take() ? null : 'rate'
    return link.admitsStranger(author) && link.strangers.take() && this.#strangers.take() ? null : 'strangers'
  }

  /** Whether a message whose signature is right is heard and passed on. */
  #judge(topic: Topic, from: Peer, message: Message): TopicValidatorResult {
    const { clock } = this.#options
    if (!this.#rules.isWellFormed(topic, message.data)) {
      this.#blame(asPeerId(from.toString()), 'malformed')
      return TopicValidatorResult.Reject
    }
    const author = message.type === 'signed' ? asPeerId(message.from.toString()) : null
    if (author === null || !this.#rules.isMember(author)) return TopicValidatorResult.Accept
    const rate = entryOf(this.#authors, author, () => createTokenBucket(GOSSIP_RATES.author, clock))
    if (rate.take()) return TopicValidatorResult.Accept
    this.#drop('rate', author)
    return TopicValidatorResult.Ignore
  }

  #blame(source: PeerId, why: GossipDrop): void {
    this.#link(source).all.charge(GOSSIP_RATES.invalidCost)
    this.#drop(why, source)
  }

  #drop(why: GossipDrop, peer: PeerId): void {
    this.#dropped[why]++
    const { clock, log } = this.#options
    if (clock.mono() - this.#loggedAt < LOG_MS) return
    this.#loggedAt = clock.mono()
    log.warn('gossip beyond its bounds was dropped', { peer, why, dropped: this.dropped() })
  }

  /** The state of a connection outlives it, so that a new connection does not begin with a full rate. */
  #link(source: PeerId): Link {
    return entryOf(this.#links, source, () => new Link(this.#options.clock), 8 * CONNECTIONS_MAX)
  }

  /** The author that a message names; null where that is no Ed25519 identity, which every peer of Reelmesh has. */
  #authorOf({ from }: RawMessage): PeerId | null {
    if (from === undefined) return null
    const name = Buffer.from(from).toString('latin1')
    return entryOf(this.#names, name, () => identityOf(from))
  }
}

/** The entry of a bounded map, made where there is none; the oldest one is dropped. */
function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V, most = PEERS_REMEMBERED): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const [oldest] = map.keys()
  if (map.size >= most && oldest !== undefined) map.delete(oldest)
  const made = make()
  map.set(key, made)
  return made
}

/** An identity multihash: two bytes, then the key as protobuf. */
function identityOf(multihash: Uint8Array): PeerId | null {
  try {
    const key = publicKeyFromProtobuf(multihash.subarray(2))
    return key.type === 'Ed25519' ? asPeerId(peerIdFromPublicKey(key).toString()) : null
  } catch {
    return null
  }
}
