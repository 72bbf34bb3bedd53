/** The logs of failed attempts: in the own store, or with the peer that failed. */
import { readFile } from 'node:fs/promises'
import type { BlobStore, WholeBlobs } from '../../protocol/blobs.ts'
import { BlobMissing, unknownVideo } from '../../protocol/errors.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { LOG_BYTES_MAX } from '../../protocol/limits.ts'
import { fsPath } from '../../protocol/path-text.ts'
import { StreamRefused } from './streams.ts'

/** Answers for logs. */
export interface AttemptLogs {
  /** The log of this name, of a failed attempt at a task of the video. Rejects with `StreamRefused`, `ReelmeshError('unknown_video')` and `LedgerUnavailable`. */
  read(id: VideoId, sha256: string, signal: AbortSignal): Promise<Uint8Array>
}

/** Where logs are read. */
export interface AttemptLogsOptions {
  readonly self: PeerId
  readonly ledger: Pick<Ledger, 'video' | 'tasks'>
  readonly store: Pick<BlobStore, 'find' | 'list'>
  readonly blobs: WholeBlobs
}

/** The logs of all videos. */
export function createAttemptLogs({ self, ledger, store, blobs }: AttemptLogsOptions): AttemptLogs {
  return {
    async read(id, name, signal) {
      if ((await ledger.video(id)) === null) throw unknownVideo(id)
      const failures = (await ledger.tasks({ video: id })).flatMap((task) => task.failures)
      const failure = failures.find(({ log }) => log === name)
      if (!failure?.log)
        throw new StreamRefused(
          'unknown_file',
          `no failed attempt at this video has a log ${name}; \`attempts\` names those that there are`,
        )
      const { log: sha256, worker_id: holder } = failure
      const path = (await store.list(id)).includes(sha256) ? await store.find(sha256, id) : null
      if (path !== null) return await readFile(fsPath(path))
      try {
        if (holder !== self) return await blobs.read({ sha256, video: id, holder, bytesMax: LOG_BYTES_MAX * 4, signal })
      } catch (cause) {
        signal.throwIfAborted()
        if (!(cause instanceof BlobMissing))
          throw new StreamRefused(
            'bytes_away',
            `the peer that has the log, ${holder}, does not answer now; ask again in a moment`,
            { cause },
          )
      }
      throw new StreamRefused(
        'unknown_file',
        'nobody has this log any more: logs are removed with what else a video no longer needs',
      )
    },
  }
}
