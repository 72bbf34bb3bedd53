/**
 * The files of a track that grows. The name of a segment holds a token of the sizes up to it: where a chunk was lost and its encode has other bytes,
 * its name is another one, too.
 */
import { createHash } from 'node:crypto'
import { type Cbcs, createCbcs, trackKey } from '../../media/package/cbcs.ts'
import { growingPlaylist, growingTextPlaylist } from '../../media/package/growing-hls.ts'
import type { GrowingTrack } from '../../media/package/growing-manifests.ts'
import { manifestKey } from '../../media/package/manifest-key.ts'
import { encryptedBytes, encryptSegment } from '../../media/package/segment-cipher.ts'
import type { ListedSegment, SoundPiece } from '../../media/package/sound-list.ts'
import type { TrackCipher } from '../../media/package/track-sink.ts'
import type { Artifact } from '../../protocol/artifact.ts'
import type { ByteRange } from '../../protocol/blobs.ts'
import { packageMediaType } from '../../protocol/package.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { encodedFile } from './encoded-chunks.ts'
import { type StreamFile, StreamRefused, textFile } from './streams.ts'

/** Names of the segments of a track, which `cipher` encrypts. What samples grow by is known to who reads them only: there the name says nothing of sizes. */
function namesOf({ name, segments }: GrowingTrack, cipher: TrackCipher | null, isBySamples: boolean): string[] {
  const sizes = createHash('sha256')
  return segments.map(({ bytes, duration }, at) => {
    sizes.update(`${isBySamples ? '' : cipher ? encryptedBytes(bytes) : bytes}/${duration} `)
    return `live-${name}-${at + 1}-${sizes.copy().digest('hex').slice(0, 8)}.m4s`
  })
}

/** Which file it is, by the parts of its name. */
interface Named {
  readonly reads: ArtifactReads
  readonly file: string
  /** Encrypts the track; null where it is not, or is already. */
  readonly cipher: TrackCipher | null
  readonly signal: AbortSignal
  readonly init?: string
  readonly number?: string
  readonly token?: string
}

/** A file of a track: its playlist, what initialises a decoder, or a segment. Rejects with `StreamRefused` where there is none, and as the reads. */
export async function trackFile(video: Video, track: GrowingTrack, named: Named): Promise<StreamFile> {
  const { reads, file, cipher, init, number, token } = named
  const key = manifestKey(video.recipe.package?.key)
  const initFile = piecesFile(video, { reads, file, pieces: () => [track.init] })
  if (init)
    return cipher?.method === 'cbcs' ? bytesFile(initFile, (await cbcsOf(initFile, track, named)).init) : initFile
  const names = namesOf(track, cipher, key?.method === 'cbcs')
  if (number === undefined) {
    const { timescale, longest, isWhole } = track
    const segments = track.segments.map(({ duration }, at) => ({ name: names[at]!, duration }))
    const init = `live-${track.name}-init.mp4`
    return growingText(file, growingPlaylist({ init, segments, timescale, longest, isWhole, key }))
  }
  const segment = track.segments[Number(number) - 1]
  const name = names[Number(number) - 1]
  if (segment && name && (name === file || token === undefined)) {
    const plain = piecesFile(video, { reads, file: name, pieces: () => segment.pieces() })
    return { ...(await encryptedFile(plain)), isFinal: token !== undefined }
  }
  if (segment || track.isWhole)
    throw new StreamRefused(
      'unknown_file',
      `${video.name} has no segment ${JSON.stringify(file)}: it was encoded again`,
    )
  throw new StreamRefused('not_ready', `segment ${number} of ${track.name} of ${video.name} is not encoded yet`)

  /** By samples it is read at once, as its size shows only then. */
  async function encryptedFile(plain: StreamFile): Promise<StreamFile> {
    if (cipher === null) return plain
    if (cipher.method === 'cbcs')
      return bytesFile(plain, (await cbcsOf(initFile, track, named)).segment(await bytesOf(plain, named.signal)))
    const encrypted = async (signal: AbortSignal) =>
      encryptSegment(await bytesOf(plain, signal), { key: cipher.key, segment: Number(number) - 1 })
    return {
      ...plain,
      bytes: encryptedBytes(plain.bytes),
      async *read({ from, to }, signal) {
        yield (await encrypted(signal)).subarray(from, to)
      },
    }
  }
}

const cbcsOf = async (init: StreamFile, { name }: GrowingTrack, { cipher, signal }: Named): Promise<Cbcs> =>
  createCbcs(await bytesOf(init, signal), trackKey(cipher!.key, name))

async function bytesOf({ read, bytes }: StreamFile, signal: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of read({ from: 0, to: bytes }, signal)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The file with other bytes, which are there. */
const bytesFile = (of: StreamFile, bytes: Buffer): StreamFile => ({
  ...of,
  bytes: bytes.length,
  async *read({ from, to }) {
    yield bytes.subarray(from, to)
  },
})

/** The playlist of a text, or the text. Throws `StreamRefused` where there is none. */
export function textFileOf(
  video: Video,
  texts: readonly { readonly facts: { readonly name: string }; readonly vtt?: string; readonly file?: Artifact }[],
  of: { reads: ArtifactReads; file: string; track: string; seconds: number; isWhole: boolean },
): StreamFile {
  const { reads, file, track: name } = of
  const text = texts.find(({ facts }) => facts.name === name)
  if (!text) throw new StreamRefused('unknown_file', `${video.name} has no text ${JSON.stringify(name)}`)
  if (file.endsWith('.m3u8')) return growingText(file, growingTextPlaylist({ ...of, name: `live-${name}` }))
  const { vtt, file: blob } = text
  if (!blob) return growingText(file, vtt ?? '')
  return piecesFile(video, { reads, file, pieces: () => [{ blob, start: 0, length: blob.bytes }] })
}

/** A manifest, playlist or text that may grow. */
export const growingText = (name: string, text: string): StreamFile =>
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
      // What is in memory waits for what is not: where that cannot be had, the answer has not begun.
      const held: Uint8Array[] = []
      for (const piece of pieces()) {
        const [from, to] = [Math.max(range.from - at, 0), Math.min(range.to - at, piece.length)]
        at += piece.length
        if (from >= to) continue
        if (Buffer.isBuffer(piece)) held.push(piece.subarray(from, to))
        else
          for await (const bytes of readPiece(video, reads, piece, { from, to }, signal)) {
            yield* held.splice(0)
            yield bytes
          }
      }
      yield* held
    },
  }
}

const readPiece = (
  video: Video,
  reads: ArtifactReads,
  { blob, start }: Exclude<SoundPiece, Buffer>,
  { from, to }: ByteRange,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> => reads.read(video, encodedFile(blob), { from: start + from, to: start + to }, signal)
