/** The manifests of a film that is encoded, of its tracks as far as they are there. Pure. */
import { type Plan, planSeconds, type RenditionPlan } from '../../protocol/plan.ts'
import { secondsShown } from '../text/text-extra.ts'
import { dashManifest } from './dash.ts'
import {
  type Bandwidth,
  type PackageFacts,
  type PictureFacts,
  type SoundFacts,
  secondsTo,
  type TextFacts,
} from './facts.ts'
import { expectedBandwidth } from './growing-hls.ts'
import { masterPlaylist } from './hls.ts'
import type { ManifestKey } from './manifest-key.ts'
import { describeSounds } from './sound-description.ts'
import type { ListedSegment, SoundPiece } from './sound-list.ts'

/** A track as far as it is listed. */
export interface GrowingTrack {
  /** As the package names it: `video-480p`. */
  readonly name: string
  /** Ticks per second. */
  readonly timescale: number
  /** Seconds, whole: no segment of the track is longer. */
  readonly longest: number
  readonly init: SoundPiece
  readonly segments: readonly ListedSegment[]
  /** Whether these are all. */
  readonly isWhole: boolean
  /** The codec as manifests name it. */
  readonly codecs: string
  /** What manifests say of pictures; absent of sound. */
  readonly picture?: Pick<PictureFacts, 'range' | 'hasCaptions' | 'fps'> & { readonly rendition: RenditionPlan }
}

/** Where players find the manifest of DASH once they have begun. */
export const LIVE_MANIFEST = 'live-manifest.mpd'

/** What a film has so far. */
export interface Listed {
  readonly tracks: readonly GrowingTrack[]
  /** Each is whole. */
  readonly texts: readonly TextFacts[]
}

/** The master playlist of HLS. */
export function growingMaster(plan: Plan, { tracks, texts }: Listed): string {
  const { facts, rate } = factsOf(plan, { tracks, texts }, null)
  return masterPlaylist(facts, rate)
}

/**
 * The manifest of DASH. All tracks are listed up to the same time, as players take the end of the longest for that of all. `from`: when the film was
 * submitted, ms since 1970.
 */
export function growingDash(
  plan: Plan,
  { tracks, texts }: Listed,
  { from, key }: { readonly from: number; readonly key: ManifestKey | null },
): string {
  const growing = tracks.filter((track) => !track.isWhole)
  const isWhole = growing.length === 0
  const end = Math.min(...growing.map(endOf))
  const listed = tracks.map((track) => ({
    ...track,
    segments: track.segments.filter(({ start }) => start / track.timescale < end),
  }))
  const { facts, rate } = factsOf(plan, { tracks: listed, texts }, key)
  const longest = Math.max(...tracks.map((track) => track.longest))
  return dashManifest(facts, { location: LIVE_MANIFEST, from, longest, isWhole, rate })
}

/** When the last segment ends, seconds. A track has one. */
function endOf({ segments, timescale }: GrowingTrack): number {
  const { start, duration } = segments.at(-1)!
  return (start + duration) / timescale
}

interface Facts {
  readonly facts: PackageFacts
  rate(track: PictureFacts | SoundFacts): Bandwidth
}

/** What manifests say. Each track has a segment. */
function factsOf(plan: Plan, { tracks, texts }: Listed, key: ManifestKey | null): Facts {
  const descriptions = describeSounds(plan)
  const pictures = tracks.flatMap((track): PictureFacts[] => {
    if (!track.picture) return []
    const { rendition, ...facts } = track.picture
    const { width, height } = rendition
    return [{ kind: 'video', ...common(track), ...facts, width, height, keyframes: [] }]
  })
  const sounds = tracks.flatMap((track): SoundFacts[] => {
    if (track.picture) return []
    const description = descriptions[Number(track.name.slice('audio-'.length)) - 1]!
    return [{ kind: 'audio', ...common(track), ...description, sample_rate: track.timescale }]
  })
  const rates = new Map(
    tracks.map(({ picture, ...track }) => [
      liveName(track),
      expectedBandwidth(
        { ...common({ ...track }), segments: ranges(track.segments.slice(0, 1)) },
        picture?.rendition ?? UNCAPPED,
        plan,
      ),
    ]),
  )
  const seconds = tracks.every(({ isWhole }) => isWhole)
    ? secondsShown(Math.max(...pictures.map(secondsTo)), sounds.map(secondsTo))
    : planSeconds(plan)
  return {
    facts: {
      ...{ pictures, sounds, seconds, key },
      texts: texts.map((text) => ({ ...text, name: liveName(text) })),
      ...{ thumbnails: null, prefix: '', isDivided: true },
    },
    rate: ({ name }) => rates.get(name)!,
  }
}

const UNCAPPED = { rate: { crf: 0 } }
const liveName = ({ name }: { readonly name: string }): string => `live-${name}`

const common = (track: Omit<GrowingTrack, 'picture'>) => ({
  name: liveName(track),
  timescale: track.timescale,
  codecs: track.codecs,
  init: 0,
  index: 0,
  segments: ranges(track.segments),
})

const ranges = (segments: readonly ListedSegment[]) =>
  segments.map(({ start, duration, bytes }) => ({ offset: 0, start, duration, bytes }))
