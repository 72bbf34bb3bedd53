/** Reads of videos. */
import type { VideoId } from '../../protocol/ids.ts'
import type { VideoQuery } from '../../protocol/ledger.ts'
import { VIDEO_STATUSES, type Video, type VideoStatus } from '../../protocol/video.ts'
import { words } from './fragments.ts'
import { IS_UNDELIVERED, type Row, videoOf } from './schema.ts'
import type { Store } from './store.ts'

const videoIn = ({ keptVideos, documents }: Store, row: Row): Video | null =>
  keptVideos.of(String(row._id), row, (stored) => documents.video(videoOf(stored)))

export async function readVideo(store: Store, id: VideoId): Promise<Video | null> {
  const [row] = await store.read('SELECT * FROM videos WHERE _id=:id', { id })
  return row ? videoIn(store, row) : null
}

/** Videos, newest last; with a limit only the newest. */
export async function readVideos(
  store: Store,
  { ids, statuses = VIDEO_STATUSES, before, since, limit }: VideoQuery,
): Promise<Video[]> {
  const older = before ? 'AND (created_at, _id) < (:created_at, :_id)' : ''
  const range = `${older} ${since === undefined ? '' : 'AND created_at >= :since'}`
  // The newest few of each status, merged: of all at once, all would be read to be sorted.
  const found = ids
    ? `SELECT * FROM videos WHERE _id IN (SELECT value FROM json_each(:ids)) AND +status IN (${words(statuses)}) ${range}`
    : limit !== undefined && limit > 0 && statuses.length > 0
      ? statuses.map((status) => `SELECT * FROM videos WHERE status=${words([status])} ${range}`).join(' UNION ALL ')
      : `SELECT * FROM videos WHERE status IN (${words(statuses)}) ${range}`
  const sql = `${found} ORDER BY created_at DESC, _id DESC ${limit === undefined ? '' : 'LIMIT :limit'}`
  const parameters = {
    limit: limit ?? null,
    ids: JSON.stringify(ids ?? []),
    created_at: before?.created_at ?? 0,
    _id: before?._id ?? '',
    since: since ?? 0,
  }
  return (await store.readEach(sql, parameters, (row) => videoIn(store, row))).reverse()
}

export async function countVideos(store: Store, statuses: readonly VideoStatus[]): Promise<Map<VideoStatus, number>> {
  const sql = `SELECT status, count(*) AS count FROM videos WHERE status IN (${words(statuses)}) GROUP BY status`
  const rows = (await store.read(sql)) as { status: VideoStatus; count: number }[]
  return new Map(rows.map(({ status, count }) => [status, count]))
}

export async function readUndeliveredVideos(store: Store): Promise<Video[]> {
  const sql = `SELECT * FROM videos INDEXED BY undelivered WHERE ${IS_UNDELIVERED} ORDER BY created_at, _id`
  return store.readEach(sql, {}, (row) => videoIn(store, row))
}
