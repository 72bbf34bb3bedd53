/**
 * Packages of films that are being encoded: in HLS a playlist for each track that grows in the order of the film, in DASH a manifest that does, and
 * segments as resources of their own. All of it follows from the ledger and the encoded bytes: every node answers the same. When the package is there, its
 * own files are answered by others; what grew has ended, and its segments are ranges of its tracks, with the same bytes.
 *
 * The name of a segment holds a token of the sizes up to it: where a chunk was lost and its encode has other bytes, its name is another one, too.
 */
import { createHash } from 'node:crypto'
import { growingPlaylist } from '../../media/package/growing-hls.ts'
import { type GrowingTrack, growingDash, growingMaster, LIVE_MANIFEST } from '../../media/package/growing-manifests.ts'
import type { ListedSegment, SoundPiece } from '../../media/package/sound-list.ts'
import type { ByteRange } from '../../protocol/blobs.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { type PackageFormat, packageMediaType } from '../../protocol/package.ts'
import type { Plan } from '../../protocol/plan.ts'
import { soundsOf } from '../../protocol/sound-plan.ts'
import type { Video } from '../../protocol/video.ts'
import { createPlanSource } from '../videos/plan-source.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { encodedFile } from './encoded-chunks.ts'
import { packageOf } from './finished-packages.ts'
import { createFinishedTracks } from './finished-tracks.ts'
import { createGrowingTracks } from './growing-tracks.ts'
import { type StreamFile, StreamRefused, type StreamSource, textFile } from './streams.ts'

/** The parts that it uses. */
export interface GrowingPackagesOptions {
  readonly ledger: Ledger
  readonly reads: ArtifactReads
}

/** Names of the files of tracks. HLS names a segment with its token; DASH, which has names of one form only, by its number. */
const GROWING =
  /^live-(?<track>[\w-]+?)(?:\.m3u8|-(?<init>init)\.mp4|-(?<number>\d{1,6})(?:-(?<token>[0-9a-f]{8}))?\.m4s)$/
/** The manifests, and the form that each is of. */
const MANIFESTS: Readonly<Record<string, PackageFormat>> = {
  'master.m3u8': 'hls',
  'manifest.mpd': 'dash',
  [LIVE_MANIFEST]: 'dash',
}

/** Answers for the growing playlists of videos with a package, and for their manifests until the package is there. */
export function createGrowingPackages({ ledger, reads }: GrowingPackagesOptions): StreamSource {
  const [growing, finished] = [createGrowingTracks({ ledger, reads }), createFinishedTracks(reads)]
  const plans = createPlanSource(ledger)
  return {
    async open(video, file, signal) {
      const asked = video.recipe.package
      const name = GROWING.exec(file)?.groups
      const form = Object.hasOwn(MANIFESTS, file) ? MANIFESTS[file] : undefined
      if (!asked || asked.key || !video.plan || (!name && !form)) return null
      if (form && !asked.formats.includes(form)) return null
      const made = await packageOf(video, ledger)
      if (made && form && file !== LIVE_MANIFEST) return null
      const plan = await plans.planOf(video._id)
      const found = made ? await finished.tracks(video, plan, made) : await growing.tracks(video, plan, signal)
      // All end at once: players take a film of which one track has ended for one that is whole, and stop where another has got to.
      const isWhole = hasAll(found, plan) && found.every((track) => track.isWhole)
      if (name) return fileOf(video, { ...trackOf(video, found, name['track']!), isWhole }, { reads, file, ...name })
      refuseEarly(video, plan, found)
      return textOf(file, form === 'hls' ? growingMaster(plan, found) : growingDash(plan, found, video.created_at))
    },
  }
}

const hasAll = (tracks: readonly GrowingTrack[], { renditions }: Plan): boolean =>
  tracks.filter(({ picture }) => picture).length === renditions.length

function trackOf({ name: film }: Video, tracks: readonly GrowingTrack[], name: string): GrowingTrack {
  const found = tracks.find((each) => each.name === name)
  if (found) return found
  throw new StreamRefused('not_ready', `nothing of ${name} of ${film} is encoded yet; ask again in a moment`)
}

/** Throws `StreamRefused('not_ready')` until the beginning of every track is there. */
function refuseEarly({ name }: Video, plan: Plan, tracks: readonly GrowingTrack[]): void {
  const wait = (what: string) =>
    new StreamRefused('not_ready', `${what} of ${name} is not encoded yet; ask again in a moment`)
  if (!hasAll(tracks, plan)) throw wait('the first chunk of every rendition')
  const heard = tracks.filter(({ picture }) => !picture)
  // A track that streams cannot have shows when all of the sound is there.
  if (heard.length < soundsOf(plan).length && !(heard[0]?.isWhole ?? false)) throw wait('the beginning of the sound')
}

/** Names of the segments of a track. */
function namesOf({ name, segments }: GrowingTrack): string[] {
  const sizes = createHash('sha256')
  return segments.map(({ bytes, duration }, at) => {
    sizes.update(`${bytes}/${duration} `)
    return `live-${name}-${at + 1}-${sizes.copy().digest('hex').slice(0, 8)}.m4s`
  })
}

interface Named {
  readonly reads: ArtifactReads
  readonly file: string
  readonly init?: string
  readonly number?: string
  readonly token?: string
}

function fileOf(video: Video, track: GrowingTrack, { reads, file, init, number, token }: Named): StreamFile {
  if (init) return piecesFile(video, { reads, file, pieces: () => [track.init] })
  const names = namesOf(track)
  if (number === undefined) {
    const { timescale, longest, isWhole } = track
    const segments = track.segments.map(({ duration }, at) => ({ name: names[at]!, duration }))
    return textOf(file, growingPlaylist({ init: `live-${track.name}-init.mp4`, segments, timescale, longest, isWhole }))
  }
  const segment = track.segments[Number(number) - 1]
  const name = names[Number(number) - 1]
  if (segment && name && (name === file || token === undefined))
    return { ...piecesFile(video, { reads, file: name, pieces: () => segment.pieces() }), isFinal: token !== undefined }
  if (segment || track.isWhole)
    throw new StreamRefused(
      'unknown_file',
      `${video.name} has no segment ${JSON.stringify(file)}: it was encoded again`,
    )
  throw new StreamRefused('not_ready', `segment ${number} of ${track.name} of ${video.name} is not encoded yet`)
}

const textOf = (name: string, text: string): StreamFile =>
  textFile(text, { mediaType: packageMediaType(name), isFinal: false })

function piecesFile(
  video: Video,
  { reads, file, pieces }: { reads: ArtifactReads; file: string; pieces: () => ReturnType<ListedSegment['pieces']> },
): StreamFile {
  const bytes = [...pieces()].reduce((sum, piece) => sum + piece.length, 0)
  return {
    mediaType: packageMediaType(file),
    bytes,
    etag: `${video._id}-${file}-${bytes}`,
    isFinal: true,
    async *read(range, signal) {
      let at = 0
      for (const piece of pieces()) {
        const [from, to] = [Math.max(range.from - at, 0), Math.min(range.to - at, piece.length)]
        at += piece.length
        if (from < to) yield* readPiece(video, reads, piece, { from, to }, signal)
      }
    },
  }
}

async function* readPiece(
  video: Video,
  reads: ArtifactReads,
  piece: SoundPiece,
  { from, to }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (Buffer.isBuffer(piece)) return yield piece.subarray(from, to)
  yield* reads.read(video, encodedFile(piece.blob), { from: piece.start + from, to: piece.start + to }, signal)
}
