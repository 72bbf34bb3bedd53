/** Removes uploads that nobody needs any more: unfinished and unsubmitted ones after a time, submitted ones once their videos no longer need the source. */
import { isInside } from '../../files/real-path.ts'
import type { BlobStore } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { isUndelivered, type Video } from '../../protocol/video.ts'
import { whatToRetain } from '../videos/housekeeping.ts'
import { UPLOAD_IDLE_MS, type UploadFiles } from './upload-files.ts'

/** What a pass looks at. */
export interface TidyUploadsOptions {
  readonly uploads: Pick<UploadFiles, 'ids' | 'facts' | 'folderOf' | 'remove'>
  readonly store: Pick<BlobStore, 'videos' | 'reference'>
  readonly ledger: Pick<Ledger, 'video' | 'now'>
  readonly clock: Pick<Clock, 'now'>
}

/** One pass. Rejects with `LedgerUnavailable` and errors of the file system. */
export async function tidyUploads({ uploads, store, ledger, clock }: TidyUploadsOptions): Promise<void> {
  const ids = uploads.ids()
  if (ids.length === 0) return
  const videos = await videosOf(ids, { uploads, store })
  const now = await ledger.now()
  for (const id of ids) {
    const found = await Promise.all((videos.get(id) ?? []).map((video) => ledger.video(video)))
    const facts = await uploads.facts(id).catch(() => null)
    const isIdle = facts === null || clock.now() - facts.changedAt > UPLOAD_IDLE_MS
    const isDone = found.length > 0 && !found.some((video) => needsSource(video, now))
    if (found.length > 0 ? isDone : isIdle) await uploads.remove(id)
  }
}

const needsSource = (video: Video | null, now: number): boolean =>
  video !== null && (whatToRetain(video, now) === 'all' || isUndelivered(video))

/** The videos whose source is a file of each upload. */
async function videosOf(
  ids: readonly string[],
  { uploads, store }: Pick<TidyUploadsOptions, 'uploads' | 'store'>,
): Promise<ReadonlyMap<string, VideoId[]>> {
  const found = new Map<string, VideoId[]>()
  for (const video of await store.videos()) {
    const path = (await store.reference(video))?.path
    const id = path && ids.find((each) => isInside(path, uploads.folderOf(each)))
    if (id) found.set(id, [...(found.get(id) ?? []), video])
  }
  return found
}
