/** Where films with a package can be watched: said of each once, as soon as its beginning can be played. */
import type { VideoId } from '../protocol/ids.ts'
import type { Recipe } from '../protocol/recipe.ts'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import type { Reporter } from './report.ts'

/** How long an answer of the node may take, ms. */
const ANSWER_MS = 5_000
/** Films that are asked for at one look: others at the next. */
const AT_ONCE = 8
/** Statuses in which a film may have a beginning. */
const BEGUN: readonly VideoRow['status'][] = ['RUNNING', 'MERGING', 'COMPLETED']

/** The address of the page of a video; null where the node serves none, and where its page cannot play what is made. */
export function watchAddress({ peers }: Pick<StatusSnapshot, 'peers'>, recipe: Recipe, id: VideoId): string | null {
  const http = peers.find(({ self }) => self)?.http
  return http && recipe.package?.formats.includes('hls') ? `${http}/watch/${id}` : null
}

/** Which films, and where it is asked and said. */
interface WatchLook {
  readonly recipe: Recipe
  readonly reporter: Pick<Reporter, 'watchable'>
  /** Of the node: over TCP it may want a token, or be reached through a proxy only. */
  readonly socket: string
}

/** A look at a snapshot: asks the node for some of the films of which nothing was said yet. It never rejects. */
export function createWatchLook(
  wanted: { has(id: VideoId): boolean },
  { recipe, reporter, socket }: WatchLook,
): (snapshot: StatusSnapshot) => Promise<void> {
  const said = new Set<VideoId>()
  let looks = 0
  return async (snapshot) => {
    const rows = snapshot.videos.filter(({ id, status }) => wanted.has(id) && !said.has(id) && BEGUN.includes(status))
    const from = (looks++ * AT_ONCE) % Math.max(1, rows.length)
    const look = async (row: VideoRow) => {
      const page = watchAddress(snapshot, recipe, row.id)
      if (page === null) return
      const { hasAnswer } = await import('../node/http/control-client.ts')
      const signal = AbortSignal.timeout(ANSWER_MS)
      if (!(await hasAnswer(socket, `/v1/videos/${row.id}/hls/master.m3u8`, signal))) return
      said.add(row.id)
      reporter.watchable(row, page)
    }
    await Promise.all(rows.slice(from, from + AT_ONCE).map(look))
  }
}
