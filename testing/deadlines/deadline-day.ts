/**
 * A day of a mesh of unequal peers that die and come back, simulated chunk by chunk under an order of claims. What is asked of the order is
 * read off the day: how many deadlines were held, how long the other videos waited. Pure: a day is data, and equal days have equal results.
 */

import {
  decideOrder,
  type OpenVideo,
  type OrderDecision,
  type OrderPast,
} from '../../coordinator/policy/claim-order.ts'
import { keyIn } from '../../protocol/claim-order.ts'
import type { VideoId } from '../../protocol/ids.ts'

/** A peer. `speed`: units of work that one of its slots does in a second. `absent`: times `[from, to)` in which it is dead, s. */
export interface DayPeer {
  readonly name: string
  readonly slots: number
  readonly speed: number
  readonly absent: readonly (readonly [number, number])[]
}

/** A video. Times are s of the day. */
export interface Arrival {
  readonly id: VideoId
  readonly at: number
  readonly submitter: string
  readonly deadline: number | null
  /** Source seconds. */
  readonly seconds: number
  readonly chunks: number
  /** Units of work of a chunk. */
  readonly units: number
}

/** A day: the peers, and the videos by `at`. */
export interface Day {
  readonly peers: readonly DayPeer[]
  readonly arrivals: readonly Arrival[]
  /** Measured speeds are off by up to this share. */
  readonly noise: number
  random(): number
}

/** An order of claims: the key of a video when it comes, and at each decision the keys that change. */
export interface DayOrder {
  key(video: Arrival): number
  decide?(at: number, open: readonly OpenArrival[], peers: readonly DayPeer[]): ReadonlyMap<VideoId, number>
}

/** A video that is not done. */
export interface OpenArrival {
  readonly video: Arrival
  /** Chunks that nobody has claimed. */
  readonly waiting: number
  /** Chunks that are encoded now. */
  readonly running: number
}

/** Time between two decisions, s. */
const DECIDE_S = 5

interface Encode {
  readonly peer: DayPeer
  readonly video: Arrival
  /** When it ends or, `lost`, when its peer dies. */
  readonly at: number
  readonly lost: boolean
}

/** When each video is done, s of the day. */
export function simulate(day: Day, order: DayOrder): ReadonlyMap<VideoId, number> {
  const done = new Map<VideoId, number>()
  const open = new Map<VideoId, { video: Arrival; waiting: number; running: number; key: number }>()
  let encodes: Encode[] = []
  let [arrived, decided] = [0, Number.NEGATIVE_INFINITY]
  const deaths = day.peers.flatMap(({ absent }) => absent.flat())
  for (let at = 0; arrived < day.arrivals.length || open.size > 0; ) {
    for (; (day.arrivals[arrived]?.at ?? Number.POSITIVE_INFINITY) <= at; arrived++) {
      const video = day.arrivals[arrived]!
      open.set(video.id, { video, waiting: video.chunks, running: 0, key: order.key(video) })
    }
    for (const { video, lost } of encodes.filter((one) => one.at <= at)) {
      const one = open.get(video.id)!
      one.running--
      if (lost) one.waiting++
      if (one.running + one.waiting === 0) {
        open.delete(video.id)
        done.set(video.id, at)
      }
    }
    encodes = encodes.filter((one) => one.at > at)
    const present = day.peers.filter((peer) => isThere(peer, at))
    if (order.decide && at - decided >= DECIDE_S) {
      decided = at
      for (const [id, key] of order.decide(at, [...open.values()], present)) open.get(id)!.key = key
    }
    const queue = [...open.values()].sort((a, b) => a.key - b.key || a.video.at - b.video.at)
    // The fastest peers poll no earlier than others: slots claim in the order of the peers.
    for (const peer of present) {
      const busy = encodes.filter((one) => one.peer === peer).length
      for (let slot = busy; slot < peer.slots; slot++) {
        const next = queue.find(({ waiting }) => waiting > 0)
        if (!next) break
        next.waiting--
        next.running++
        encodes.push(encode(peer, next.video, at))
      }
    }
    const coming = day.arrivals[arrived]?.at ?? Number.POSITIVE_INFINITY
    const decision = order.decide && open.size > 0 ? decided + DECIDE_S : Number.POSITIVE_INFINITY
    at = Math.min(coming, decision, ...encodes.map((one) => one.at), ...deaths.filter((death) => death > at))
  }
  return done
}

const isThere = ({ absent }: DayPeer, at: number): boolean => !absent.some(([from, to]) => at >= from && at < to)

function encode(peer: DayPeer, video: Arrival, at: number): Encode {
  const end = at + video.units / peer.speed
  const death = peer.absent.map(([from]) => from).find((from) => from > at && from < end)
  return { peer, video, at: death ?? end, lost: death !== undefined }
}

/** The order of arrival. */
export const FIFO: DayOrder = { key: ({ at }) => at }
/** The order before deadlines had an order of their own: created_at + the duration, or the deadline less the duration where that is earlier. */
export const BEFORE: DayOrder = {
  key: ({ at, seconds, deadline }) => Math.min(at + seconds, (deadline ?? Number.POSITIVE_INFINITY) - seconds),
}
/** An order that is known from the start: the place of each video in a list. */
export function fixedOrder(ids: readonly VideoId[]): DayOrder {
  const places = new Map(ids.map((id, place) => [id, place]))
  return { key: ({ id }) => places.get(id)! }
}

/** The order of `decideOrder`, as the leader applies it; it sees measured speeds, and no future. `onDecision`: what it decided. */
export function policyOrder(
  { noise, random }: Pick<Day, 'noise' | 'random'>,
  onDecision: (at: number, decision: OrderDecision) => void = () => {},
): DayOrder {
  let past: OrderPast | null = null
  return {
    key: ({ at, deadline }) => (deadline === null ? at * 1000 : keyIn('held', deadline * 1000)),
    decide(at, open, peers) {
      const speedOf = ({ slots, speed }: DayPeer) => slots * speed
      const total = peers.reduce((sum, peer) => sum + speedOf(peer), 0)
      const slots = peers.reduce((sum, peer) => sum + peer.slots, 0)
      const measured = total * (1 + noise * (2 * random() - 1))
      const fastest = peers.toSorted((a, b) => speedOf(b) - speedOf(a))[0]
      const decision = decideOrder(
        {
          now: at * 1000,
          slots,
          fastest: fastest ? { name: fastest.name, share: speedOf(fastest) / total } : null,
          videos: open.map((one) => openVideo(one, measured, slots)),
        },
        past,
      )
      past = decision.past
      onDecision(at, decision)
      return decision.keys
    },
  }
}

function openVideo({ video, waiting, running }: OpenArrival, speed: number, slots: number): OpenVideo {
  const { id, submitter, at, seconds, deadline, units } = video
  return {
    id,
    submitter,
    priority: 0,
    place: (at + seconds) * 1000,
    deadline: deadline === null ? null : deadline * 1000,
    // Half of what runs is done, on average.
    work_s: ((waiting + running / 2) * units) / speed,
    least_s: ((waiting > 0 ? 1 : 0.5) * units * slots) / speed,
    running,
    waits: waiting > 0,
  }
}

/** The ids of the videos whose deadline was held. */
export const heldOf = ({ arrivals }: Pick<Day, 'arrivals'>, done: ReadonlyMap<VideoId, number>): VideoId[] =>
  arrivals.flatMap(({ id, deadline }) => (deadline !== null && done.get(id)! <= deadline ? [id] : []))
