/**
 * Reads of a source that lies among a person's files and may be replaced or written over at any time. What was read of it counts only where
 * its identity was the same before and afterwards: another file may have lain there for a moment.
 */
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Video } from '../../protocol/video.ts'

/** Readings of a file whose identity does not stay: each new link or mode changes it. */
const READINGS_MAX = 5

/** The source of one video, for one attempt. */
export interface SourceReader {
  /**
   * Runs `act`, which reads the source at an absolute path and may run more than once: at another path once an equal file was submitted. Answers and rejects as `act`; rejects with `SourceChanged` where the source is
   * another file now, and with `BlobMissing` where it is gone, unless another peer has a copy: then with `AttemptFailed('input_missing')`, for
   * another attempt to read that one.
   */
  read<T>(act: (path: string) => Promise<T>): Promise<T>
}

/** Brings the source of the video here. Rejects as `BlobExchange.fetch`. */
export async function openSourceReader(options: {
  readonly video: Pick<Video, '_id' | 'source'>
  readonly store: Pick<BlobStore, 'lookUp'>
  readonly exchange: Pick<BlobExchange, 'fetch'>
  readonly signal: AbortSignal
}): Promise<SourceReader> {
  const { video, store, exchange, signal } = options
  const { sha256 } = video.source
  const fetch = () => exchange.fetch({ ...video.source, video: video._id, signal, isRead: true })
  let path = await fetch()
  const look = () => store.lookUp(sha256, video._id)
  return {
    async read(act) {
      for (let readings = 1; ; readings++) {
        const before = await look()
        path = before?.path ?? path
        const [done] = await Promise.allSettled([act(path)])
        signal.throwIfAborted()
        const after = await look()
        if (before !== null && before.path === after?.path && before.identity === after.identity) {
          if (done.status === 'rejected') throw done.reason
          return done.value
        }
        if (after !== null && readings < READINGS_MAX) continue
        await fetch()
        throw new AttemptFailed('input_missing', 'the source was moved or changed while it was read')
      }
    },
  }
}
