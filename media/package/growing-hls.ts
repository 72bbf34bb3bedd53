/**
 * The playlists of a film that is being encoded. Pure. RFC 8216 allows a playlist of the type EVENT to grow at its end and to be ended, and nothing
 * else: so it keeps that type, and its longest segment is a bound that the plan gives. Each segment is a resource of its own, whose name holds a
 * token of its bytes: a name never stands for others.
 */
import type { Plan, RenditionPlan } from '../../protocol/plan.ts'
import { type Bandwidth, bandwidthOf, type PictureFacts } from './facts.ts'
import { HEAD, keyLine, lines, time } from './hls.ts'
import { SEGMENT_S } from './layout.ts'
import type { ManifestKey } from './manifest-key.ts'

/** A segment as a playlist names it. */
export interface NamedSegment {
  readonly name: string
  /** Ticks. */
  readonly duration: number
}

/** What a growing playlist says. */
export interface GrowingPlaylist {
  /** Name of what initialises a decoder. */
  readonly init: string
  readonly segments: readonly NamedSegment[]
  /** Ticks per second. */
  readonly timescale: number
  /** Seconds, whole: no segment of the film is longer. */
  readonly longest: number
  /** Whether the segments are all. */
  readonly isWhole: boolean
  /** The key that the segments are encrypted with; null where they are not. */
  readonly key: ManifestKey | null
}

/** The playlist of a track. A later one of the same track begins with its lines. */
export const growingPlaylist = ({ init, segments, timescale, longest, isWhole, key }: GrowingPlaylist): string =>
  lines([
    ...HEAD,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-PLAYLIST-TYPE:EVENT',
    `#EXT-X-TARGETDURATION:${longest}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    // Else players begin near the end of what is there.
    '#EXT-X-START:TIME-OFFSET=0',
    `#EXT-X-MAP:URI="${init}"`,
    ...keyLine({ key }),
    ...segments.flatMap(({ name, duration }) => [`#EXTINF:${time(duration, timescale)},`, name]),
    ...(isWhole ? ['#EXT-X-ENDLIST'] : []),
  ])

/** The playlist of a text, which is one file of the length of the film, s. */
export const growingTextPlaylist = ({
  name,
  seconds,
  isWhole,
}: {
  name: string
  seconds: number
  isWhole: boolean
}): string =>
  lines([
    ...HEAD,
    '#EXT-X-PLAYLIST-TYPE:EVENT',
    `#EXT-X-TARGETDURATION:${Math.ceil(seconds)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-START:TIME-OFFSET=0',
    `#EXTINF:${seconds.toFixed(6)},`,
    `${name}.vtt`,
    ...(isWhole ? ['#EXT-X-ENDLIST'] : []),
  ])

/** How much more than in its first segment the largest rate of a film may be. A guess: films often begin with titles. */
const MARGIN = 1.5
/** What boxes add to the samples. */
const BOXES = 1.02

/**
 * The bandwidth of a rendition of which only the first segment is looked at: what the encoder's buffer allows for a segment, where its rate is capped; else
 * that of the segment with a margin. The same from every peer.
 */
export function expectedBandwidth(
  first: Pick<PictureFacts, 'segments' | 'timescale'>,
  { rate: { maxrate_kbps, bufsize_kb } }: Pick<RenditionPlan, 'rate'>,
  { chunks }: Pick<Plan, 'chunks'>,
): Bandwidth {
  const { peak, average } = bandwidthOf(first)
  if (chunks.length === 1) return { peak, average }
  const guess = Math.ceil(MARGIN * peak)
  if (maxrate_kbps === undefined) return { peak: guess, average }
  const capped = Math.ceil(1_000 * BOXES * (maxrate_kbps + (bufsize_kb ?? maxrate_kbps) / SEGMENT_S))
  return { peak: Math.max(peak, Math.min(guess, capped)), average }
}
