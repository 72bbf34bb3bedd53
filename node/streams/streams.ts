/**
 * The files of streaming packages, by video and name, as media routes serve them: wherever their bytes lie, and also while a package is being made.
 * What answers for a video's files is a `StreamSource`; sources are asked in order.
 */
import { createHash } from 'node:crypto'
import type { ByteRange } from '../../protocol/blobs.ts'
import { ReelmeshError, unknownVideo } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Video } from '../../protocol/video.ts'

/** One file, found and not read yet. */
export interface StreamFile {
  /** IANA media type. */
  readonly mediaType: string
  /** Its size now, bytes. */
  readonly bytes: number
  /** The entity tag without its quotes: the same for the same bytes only. */
  readonly etag: string
  /** Whether the name stands for these bytes for good. A playlist that still grows is not final. */
  readonly isFinal: boolean
  /**
   * Reads a range within the file, in pieces whose memory is the reader's. It may reject at any piece, after some were read: with
   * `StreamRefused`, or the signal's reason.
   */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** A file of text that is made as it is asked for. */
export function textFile(text: string, { mediaType, isFinal }: Pick<StreamFile, 'mediaType' | 'isFinal'>): StreamFile {
  const bytes = Buffer.from(text)
  return {
    mediaType,
    bytes: bytes.byteLength,
    etag: createHash('sha256').update(bytes).digest('hex'),
    isFinal,
    async *read({ from, to }) {
      yield bytes.subarray(from, to)
    },
  }
}

/** Why there is no such file: `code` is stable, `message` one sentence for people. */
export class StreamRefused extends ReelmeshError {
  declare readonly code: StreamRefusal
  constructor(code: StreamRefusal, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { ...options, retryable: code === 'not_ready' || code === 'bytes_away' })
    this.name = 'StreamRefused'
  }
}

/**
 * `no_package`: the video asks for none. `unknown_file`: its package has no file of this name. `not_ready`: it may come. `video_ended`: it was
 * cancelled or has failed. `bytes_away`: nobody who has the bytes answers now. `bytes_gone`: nobody has them any more.
 */
export type StreamRefusal = 'no_package' | 'unknown_file' | 'not_ready' | 'video_ended' | 'bytes_away' | 'bytes_gone'

/** Answers for the files of some videos. */
export interface StreamSource {
  /**
   * A file of the package of a video that is neither FAILED nor CANCELLED and asks for one; null where this source does not answer for the video
   * or the file now. Rejects with `StreamRefused`, which ends the search, and with `LedgerUnavailable`.
   */
  open(video: Video, file: string, signal: AbortSignal): Promise<StreamFile | null>
}

/** Answers for the files of all videos. */
export interface Streams {
  /** Rejects with `StreamRefused`, `ReelmeshError('unknown_video')` and `LedgerUnavailable`. */
  open(id: VideoId, file: string, signal: AbortSignal): Promise<StreamFile>
}

/** The files of all videos that these sources answer for. */
export function createStreams(ledger: Pick<Ledger, 'video'>, sources: readonly StreamSource[]): Streams {
  return {
    async open(id, file, signal) {
      const video = await ledger.video(id)
      if (video === null) throw unknownVideo(id)
      const { name, status, recipe, failure } = video
      if (!recipe.package)
        throw new StreamRefused(
          'no_package',
          `${name} asks for no streaming package; submit it with --package hls,dash to have one`,
        )
      if (status === 'CANCELLED') throw new StreamRefused('video_ended', `${name} was cancelled`)
      if (status === 'FAILED')
        throw new StreamRefused('video_ended', `${name} has failed: ${failure ?? 'unknown error'}`)
      for (const source of sources) {
        const found = await source.open(video, file, signal)
        if (found) return found
      }
      throw new StreamRefused('not_ready', `${file} of ${name} is not made yet; ask again in a moment`)
    },
  }
}
