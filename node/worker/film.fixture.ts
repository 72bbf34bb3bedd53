/** What the worker's tests encode: a video in the ledger, and chunks of it that any x264 can do. */
import { asSha256, type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { type RenditionPlan, rankOf } from '../../protocol/plan.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { NewTask } from '../../protocol/task.ts'

export const FILM = '0123456789abcdef' as VideoId

/** The default ladder as a plan has it. */
export const FILM_RENDITIONS: readonly RenditionPlan[] = DEFAULT_RECIPE.renditions.map(({ box, ...rendition }) => ({
  ...rendition,
  ...box,
  class: `h264>x264/${rendition.id}`,
  signature: asSha256('0'.repeat(64)),
  cost: (box.width * box.height) / 1e6,
}))

export const newTask = (chunk_id: number, resolution = '480p', video_id: VideoId = FILM): NewTask => ({
  _id: taskId(video_id, resolution, chunk_id),
  kind: 'video',
  class: `h264>x264/${resolution}`,
  video_id,
  chunk_id,
  resolution,
  start_pts: 0,
  end_pts: 1,
  time_base: '1/1',
  frames: 1,
  input: null,
  priority: 0,
  due: 0,
  rank: rankIn(chunk_id, resolution),
})

function rankIn(chunk: number, resolution: string): number {
  const rendition = FILM_RENDITIONS.find(({ id }) => id === resolution)
  return rendition ? rankOf({ renditions: FILM_RENDITIONS }, rendition, chunk) : 0
}

interface Film {
  _id?: VideoId
  priority?: number
  bytes?: number
  /** Of its source. */
  holders?: readonly PeerId[]
}

export const submitFilm = (ledger: Ledger, { _id = FILM, priority = 0, bytes = 1, holders = [] }: Film = {}) =>
  ledger.submit({
    _id,
    name: 'film',
    recipe: DEFAULT_RECIPE,
    priority,
    deadline: null,
    source: { sha256: asSha256('0'.repeat(64)), bytes, holders: [...holders] },
    delivery: null,
  })
