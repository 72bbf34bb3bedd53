/**
 * Packages of films that are being encoded, for players of HLS: a playlist for each track that grows in the order of the film, and its segments as
 * resources of their own. All of it follows from the ledger and the encoded bytes: every node answers the same. When the package is there, its
 * own files are answered by others; these playlists end, and their segments are ranges of its tracks, with the same bytes.
 *
 * The name of a segment holds a token of the sizes up to it: where a chunk was lost and its encode has other bytes, its name is another one, too.
 */
import { createHash } from 'node:crypto'
import { expectedBandwidth, growingPlaylist } from '../../media/package/growing-hls.ts'
import { masterPlaylist } from '../../media/package/hls.ts'
import { describeSounds } from '../../media/package/sound-description.ts'
import type { ListedSegment, SoundPiece } from '../../media/package/sound-list.ts'
import type { Artifact } from '../../protocol/artifact.ts'
import type { ByteRange } from '../../protocol/blobs.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { packageMediaType } from '../../protocol/package.ts'
import { type Plan, planSeconds } from '../../protocol/plan.ts'
import { soundsOf } from '../../protocol/sound-plan.ts'
import type { Video } from '../../protocol/video.ts'
import { createPlanSource } from '../videos/plan-source.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { encodedFile, type GrowingTrack } from './encoded-chunks.ts'
import { packageOf } from './finished-packages.ts'
import { createGrowingTracks } from './growing-tracks.ts'
import { type StreamFile, StreamRefused, type StreamSource, textFile } from './streams.ts'

/** The parts that it uses. */
export interface GrowingPackagesOptions {
  readonly ledger: Ledger
  readonly reads: ArtifactReads
}

const GROWING = /^live-(?<track>[\w-]+?)(?:\.m3u8|-(?<init>init)\.mp4|-(?<number>\d{1,6})-(?<token>[0-9a-f]{8})\.m4s)$/

/** Answers for the growing playlists of videos whose package has HLS, and their master playlist until the package is there. */
export function createGrowingPackages({ ledger, reads }: GrowingPackagesOptions): StreamSource {
  const tracks = createGrowingTracks({ ledger, reads })
  const plans = createPlanSource(ledger)
  return {
    async open(video, file, signal) {
      const asked = video.recipe.package
      const name = GROWING.exec(file)?.groups
      if (!asked?.formats.includes('hls') || asked.key || !video.plan || (!name && file !== 'master.m3u8')) return null
      const made = await packageOf(video, ledger)
      if (made !== null && !name) return null
      const plan = await plans.planOf(video._id)
      if (!name) return playlistFile(file, master(video, plan, await tracks.encoded(video, plan, signal)))
      const track = await trackOf(video, { plan, made, name: name['track']!, signal })
      return fileOf(video, track, { reads, file, ...name })
    },
  }

  async function trackOf(
    video: Video,
    { plan, made, name, signal }: { plan: Plan; made: readonly Artifact[] | null; name: string; signal: AbortSignal },
  ): Promise<GrowingTrack> {
    if (made) {
      const track = await tracks.finished(video, plan, { made, name, signal })
      if (track) return track
      throw new StreamRefused('unknown_file', `the package of ${video.name} has no track ${name}`)
    }
    const all = await tracks.encoded(video, plan, signal)
    const found = all.find((each) => each.name === name)
    // All playlists end at once: players take a film of which one has ended for one that is whole, and stop where another has got to.
    if (found) return { ...found, isWhole: isWhole(all, plan) }
    throw new StreamRefused('not_ready', `nothing of ${name} of ${video.name} is encoded yet; ask again in a moment`)
  }
}

const isWhole = (tracks: readonly GrowingTrack[], { renditions }: Plan): boolean =>
  tracks.filter(({ picture }) => picture).length === renditions.length && tracks.every((track) => track.isWhole)

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
}

function fileOf(video: Video, track: GrowingTrack, { reads, file, init, number }: Named): StreamFile {
  if (init) return piecesFile(video, { reads, file, pieces: () => [track.init] })
  const names = namesOf(track)
  if (number === undefined) {
    const { timescale, longest, isWhole } = track
    const segments = track.segments.map(({ duration }, at) => ({ name: names[at]!, duration }))
    return playlistFile(
      file,
      growingPlaylist({ init: `live-${track.name}-init.mp4`, segments, timescale, longest, isWhole }),
    )
  }
  const segment = track.segments[Number(number) - 1]
  if (names[Number(number) - 1] === file) return piecesFile(video, { reads, file, pieces: () => segment!.pieces() })
  if (segment || track.isWhole)
    throw new StreamRefused(
      'unknown_file',
      `${video.name} has no segment ${JSON.stringify(file)}: it was encoded again`,
    )
  throw new StreamRefused('not_ready', `segment ${number} of ${track.name} of ${video.name} is not encoded yet`)
}

const playlistFile = (name: string, text: string): StreamFile =>
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

/** The master playlist of what is there. Throws `StreamRefused('not_ready')` until the beginning of every track is. */
function master(video: Video, plan: Plan, tracks: readonly GrowingTrack[]): string {
  const wait = (what: string) =>
    new StreamRefused('not_ready', `${what} of ${video.name} is not encoded yet; ask again in a moment`)
  const found = tracks.filter(({ picture }) => picture)
  const heard = tracks.filter(({ picture }) => !picture)
  if (found.length < plan.renditions.length) throw wait('the first chunk of every rendition')
  // A track that streams cannot have shows when all of the sound is there.
  if (heard.length < soundsOf(plan).length && !(heard[0]?.isWhole ?? false)) throw wait('the beginning of the sound')
  const descriptions = describeSounds(plan)
  const common = ({ name, timescale, codecs, segments }: GrowingTrack) => ({
    name: `live-${name}`,
    timescale,
    codecs: codecs ?? '',
    init: 0,
    index: 0,
    segments: segments.slice(0, 1).map(({ start, duration, bytes }) => ({ offset: 0, start, duration, bytes })),
  })
  const pictures = found.map((track) => {
    const { rendition, ...facts } = track.picture!
    const { width, height } = rendition
    return {
      kind: 'video' as const,
      ...common(track),
      ...facts,
      width,
      height,
      keyframes: [],
      rate: rendition.rate,
    }
  })
  const sounds = heard.map((track) => ({
    kind: 'audio' as const,
    ...common(track),
    ...descriptions[Number(track.name.slice('audio-'.length)) - 1]!,
    sample_rate: track.timescale,
    rate: { crf: 0 },
  }))
  const rates = new Map([...pictures, ...sounds].map((track) => [track.name, expectedBandwidth(track, track, plan)]))
  return masterPlaylist(
    {
      pictures,
      sounds,
      texts: [],
      thumbnails: null,
      seconds: planSeconds(plan),
      prefix: '',
      isDivided: true,
      keyUrl: null,
    },
    ({ name }) => rates.get(name)!,
  )
}
