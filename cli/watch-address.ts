/** Where films with a package can be watched: said of each once, as soon as its beginning can be played. */
import type { VideoId } from '../protocol/ids.ts'
import type { Recipe } from '../protocol/recipe.ts'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import type { Reporter } from './report.ts'

/** How long an answer of the node on this machine may take, ms. */
const ANSWER_MS = 5_000
const TOKEN_NEEDED = 401
/** Statuses in which a film may have a beginning. */
const BEGUN: readonly VideoRow['status'][] = ['RUNNING', 'MERGING', 'COMPLETED']

/** The address of the page of a video; null where the node serves none, and where its page cannot play what is made. */
export function watchAddress({ peers }: Pick<StatusSnapshot, 'peers'>, recipe: Recipe, id: VideoId): string | null {
  const http = peers.find(({ self }) => self)?.http
  return http && recipe.package?.formats.includes('hls') ? `${http}/watch/${id}` : null
}

/** A look at a snapshot: asks the node for one of the films of which nothing was said yet. It never rejects. */
export function createWatchLook(
  wanted: { has(id: VideoId): boolean },
  { recipe, reporter }: { readonly recipe: Recipe; readonly reporter: Pick<Reporter, 'watchable'> },
): (snapshot: StatusSnapshot) => Promise<void> {
  const said = new Set<VideoId>()
  let looks = 0
  return async (snapshot) => {
    const rows = snapshot.videos.filter(({ id, status }) => wanted.has(id) && !said.has(id) && BEGUN.includes(status))
    const row = rows[looks++ % rows.length]
    const page = row && watchAddress(snapshot, recipe, row.id)
    if (!page) return
    const { origin } = new URL(page)
    const signal = AbortSignal.timeout(ANSWER_MS)
    const answer = await fetch(`${origin}/v1/videos/${row.id}/hls/master.m3u8`, { method: 'HEAD', signal }).catch(
      () => null,
    )
    // Where tokens are needed nothing more can be asked here; the page says what it waits for.
    if (!answer?.ok && answer?.status !== TOKEN_NEEDED) return
    said.add(row.id)
    reporter.watchable(row, page)
  }
}
