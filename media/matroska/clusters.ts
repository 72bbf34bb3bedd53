/** The packets of a Matroska file in the order in which they are written, in clusters, and the bytes of their heads. Pure. */
import { head, ID, uint, vint, vintLength } from './elements.ts'
import type { Packets } from './read-matroska.ts'

/** A track to write: the elements of its entry but its number, and its packets, in the order in which they are decoded. */
export interface WrittenTrack {
  readonly entry: Buffer
  readonly packets: Packets
}

/** A cluster is closed after this many ms: a packet says its time in 16 bits, relative to its cluster; and after so many bytes. */
const CLUSTER_MS_MAX = 10_000
const CLUSTER_BYTES_MAX = 8 * 1024 * 1024
/** A packet by the numbers of its track and of its place there. */
export interface Placed {
  /** Number of the track, from 0. */
  readonly track: number
  /** Number of the packet in it, from 0. */
  readonly at: number
}

/** Packets that follow one another. */
export interface Cluster {
  /** ms. */
  readonly time: number
  readonly packets: Placed[]
  /** Bytes of its body. */
  length: number
}

/** The packets of all tracks in the order of time, in clusters that begin with a picture that needs no other one. */
export function clustersOf(tracks: readonly WrittenTrack[]): Cluster[] {
  const clusters: Cluster[] = []
  for (const placed of inOrder(tracks)) {
    const { times, keys } = tracks[placed.track]!.packets
    const time = times[placed.at]!
    const last = clusters.at(-1)
    const begins = placed.track === 0 && keys[placed.at] === 1
    const isFull = last && (time - last.time > CLUSTER_MS_MAX || last.length > CLUSTER_BYTES_MAX)
    const cluster =
      last && !begins && !isFull
        ? last
        : { time: placed.key, packets: [], length: uint(ID.timestamp, placed.key).length }
    if (cluster !== last) clusters.push(cluster)
    cluster.packets.push({ track: placed.track, at: placed.at })
    cluster.length += blockLength(tracks, placed)
  }
  return clusters
}

/** All packets by time. Pictures are in the order in which they are decoded: the time of one is that of the earliest from it on. */
function* inOrder(tracks: readonly WrittenTrack[]): Generator<Placed & { readonly key: number }> {
  const keys = tracks.map(({ packets }) => earliestFrom(packets.times))
  const next = tracks.map(() => 0)
  for (;;) {
    let track = -1
    for (let at = 0; at < tracks.length; at++)
      if (next[at]! < keys[at]!.length && (track < 0 || keys[at]![next[at]!]! < keys[track]![next[track]!]!)) track = at
    if (track < 0) return
    yield { track, at: next[track]!, key: keys[track]![next[track]!]! }
    next[track]!++
  }
}

/** The earliest time, ms, from each packet on. `times`: ms, in the order in which packets are decoded. */
export function earliestFrom(times: Float64Array): Float64Array {
  const earliest = times.slice()
  for (let at = earliest.length - 2; at >= 0; at--) earliest[at] = Math.min(earliest[at]!, earliest[at + 1]!)
  return earliest
}

/** ms; null where the block needs none. */
export function durationOf(tracks: readonly WrittenTrack[], { track, at }: Placed): number | null {
  const duration = tracks[track]!.packets.durations[at]!
  return duration < 0 ? null : duration
}

/** Bytes of the body of a block: its track, time, flags and packet. */
const bodyLength = (tracks: readonly WrittenTrack[], { track, at }: Placed): number =>
  vintLength(track + 1) + 3 + tracks[track]!.packets.sizes[at]!

function blockLength(tracks: readonly WrittenTrack[], placed: Placed): number {
  const body = bodyLength(tracks, placed)
  const block = 1 + vintLength(body) + body
  const duration = durationOf(tracks, placed)
  if (duration === null) return block
  const group = block + uint(ID.blockDuration, duration).length
  return 1 + vintLength(group) + group
}

/** All of a block that stands before its packet. `clusterTime`: ms. */
export function blockHead(tracks: readonly WrittenTrack[], placed: Placed, clusterTime: number): Buffer {
  const { times, keys } = tracks[placed.track]!.packets
  const body = bodyLength(tracks, placed)
  const duration = durationOf(tracks, placed)
  const place = Buffer.alloc(3)
  place.writeInt16BE(times[placed.at]! - clusterTime)
  const own = vint(placed.track + 1)
  if (duration === null) {
    place[2] = keys[placed.at] === 1 ? 0x80 : 0
    return Buffer.concat([head(ID.simpleBlock, body), own, place])
  }
  const group = 1 + vintLength(body) + body + uint(ID.blockDuration, duration).length
  return Buffer.concat([head(ID.blockGroup, group), head(ID.block, body), own, place])
}
