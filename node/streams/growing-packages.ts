/**
 * Packages of films that are being encoded: in HLS a playlist for each track that grows in the order of the film, in DASH a manifest that does, and
 * segments as resources of their own. All of it follows from the ledger and the encoded bytes: every node answers the same. When the package is there, its
 * own files are answered by others; what grew has ended, and its segments are ranges of its tracks, with the same bytes.
 */

import { type GrowingTrack, growingDash, growingMaster, LIVE_MANIFEST } from '../../media/package/growing-manifests.ts'
import { manifestKey } from '../../media/package/manifest-key.ts'
import type { TrackCipher } from '../../media/package/track-sink.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { PackageFormat } from '../../protocol/package.ts'
import { type Plan, planSeconds } from '../../protocol/plan.ts'
import { soundsOf } from '../../protocol/sound-plan.ts'
import type { Video } from '../../protocol/video.ts'
import { createPlanSource } from '../videos/plan-source.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { packageOf } from './finished-packages.ts'
import { createFinishedTracks } from './finished-tracks.ts'
import { createGrowingTexts, packagedTexts } from './growing-texts.ts'
import { createGrowingTracks } from './growing-tracks.ts'
import { createListedTracks } from './listed-tracks.ts'
import { createPackageKeys } from './package-keys.ts'
import { StreamRefused, type StreamSource } from './streams.ts'
import { growingText, textFileOf, trackFile } from './track-files.ts'

/** The parts that it uses. */
export interface GrowingPackagesOptions {
  readonly ledger: Ledger
  readonly reads: ArtifactReads
  readonly clock: Pick<Clock, 'mono'>
}

/** Names of the files of tracks. HLS names a segment with its token; DASH, which has names of one form only, by its number. */
const GROWING =
  /^live-(?<track>[\w-]+?)(?:\.m3u8|\.(?<vtt>vtt)|-(?<init>init)\.mp4|-(?<number>\d{1,6})(?:-(?<token>[0-9a-f]{8}))?\.m4s)$/
/** The manifests, and the form that each is of. */
const MANIFESTS: Readonly<Record<string, PackageFormat>> = {
  'master.m3u8': 'hls',
  'manifest.mpd': 'dash',
  [LIVE_MANIFEST]: 'dash',
}

/** Answers for the growing playlists of videos with a package, and for their manifests until the package is there. */
export function createGrowingPackages({ ledger, reads, clock }: GrowingPackagesOptions): StreamSource {
  const growing = createListedTracks(createGrowingTracks({ ledger, reads }), clock)
  const finished = createFinishedTracks(reads)
  const textsOf = createGrowingTexts(ledger, reads)
  const keys = createPackageKeys(reads)
  const plans = createPlanSource(ledger)
  return {
    async open(video, file, signal) {
      const asked = video.recipe.package
      const name = GROWING.exec(file)?.groups
      const form = Object.hasOwn(MANIFESTS, file) ? MANIFESTS[file] : undefined
      if (!asked || !video.plan || (!name && !form)) return null
      if (form && !asked.formats.includes(form)) return null
      const made = await packageOf(video, ledger)
      if (made && form && file !== LIVE_MANIFEST) return null
      const plan = await plans.planOf(video._id)
      const found = made ? await finished.tracks(video, plan, made) : await growing.tracks(video, plan, signal)
      // All end at once: players take a film of which one track has ended for one that is whole, and stop where another has got to.
      const isWhole = hasAll(found, plan) && found.every((track) => track.isWhole)
      const track = name?.['track'] ?? ''
      if (!form && !track.startsWith('text-')) {
        const key = asked.key && !made ? await keys(video, asked.key, signal) : null
        const cipher: TrackCipher | null = key && { method: asked.key?.method ?? 'aes-128', key }
        return await trackFile(
          video,
          { ...trackOf(video, found, track), isWhole },
          { reads, file, cipher, signal, ...name },
        )
      }
      if (form) refuseEarly(video, plan, found)
      const texts = made ? packagedTexts(plan, made) : await textsOf(video, plan, signal)
      if (texts === null) throw notReady(video, 'the text')
      if (!form) return textFileOf(video, texts, { reads, file, track, seconds: planSeconds(plan), isWhole })
      const listed = { tracks: found, texts: texts.map((text) => text.facts) }
      return growingText(
        file,
        form === 'dash'
          ? growingDash(plan, listed, { from: video.created_at, key: manifestKey(asked.key) })
          : growingMaster(plan, listed),
      )
    },
  }
}

const hasAll = (tracks: readonly GrowingTrack[], { renditions }: Plan): boolean =>
  tracks.filter(({ picture }) => picture).length === renditions.length

const notReady = ({ name }: Video, what: string): StreamRefused =>
  new StreamRefused('not_ready', `${what} of ${name} is not encoded yet; ask again in a moment`)

function trackOf(video: Video, tracks: readonly GrowingTrack[], name: string): GrowingTrack {
  const found = tracks.find((each) => each.name === name)
  if (found) return found
  throw notReady(video, `anything of ${name}`)
}

/** Throws `StreamRefused('not_ready')` until the beginning of every track is there. */
function refuseEarly(video: Video, plan: Plan, tracks: readonly GrowingTrack[]): void {
  if (!hasAll(tracks, plan)) throw notReady(video, 'the first chunk of every rendition')
  const heard = tracks.filter(({ picture }) => !picture)
  // A track that streams cannot have shows when all of the sound is there.
  if (heard.length < soundsOf(plan).length && !(heard[0]?.isWhole ?? false))
    throw notReady(video, 'the beginning of the sound')
}
